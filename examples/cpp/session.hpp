// A session of Assimilate, for whatever model: forecasts and observations in, analyses out.
#pragma once

#include "client.hpp"
#include "tensors.hpp"

class Session {
 public:
  Session(Service& service, const Options& options, const learnda::v1::OpenSession& open) {
    authorize(context_, options);
    stream_ = service.Assimilate(&context_);
    learnda::v1::AssimilateRequest request;
    *request.mutable_open() = open;
    stream_->Write(request);  // where it fails, so does what is read next
    next_cycle_ = next().opened().next_cycle();
  }

  // Which cycle the next analysis will be.
  int64_t next_cycle() const { return next_cycle_; }

  // The analysis of a cycle; throws Failure where it is refused.
  learnda::v1::CycleAnalysis analyse(learnda::v1::Cycle cycle) {
    auto parts = split("ensemble", *cycle.mutable_ensemble());
    learnda::v1::AssimilateRequest request;
    *request.mutable_cycle() = std::move(cycle);
    stream_->Write(request);
    for (auto& part : parts) {
      *request.mutable_part() = std::move(part);
      stream_->Write(request);
    }
    auto analysis = next().analysis();
    auto next_part = [this] { return next().part(); };
    gather(*analysis.mutable_ensemble(), next_part);
    gather(*analysis.mutable_state(), next_part);
    next_cycle_ = analysis.cycle() + 1;
    return analysis;
  }

  // End it.
  void close() {
    stream_->WritesDone();
    auto status = stream_->Finish();
    if (!status.ok()) throw Failure(status);
  }

 private:
  learnda::v1::AssimilateResponse next() {
    learnda::v1::AssimilateResponse response;
    if (!stream_->Read(&response)) throw Failure(stream_->Finish());
    return response;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<learnda::v1::AssimilateRequest,
                                           learnda::v1::AssimilateResponse>>
      stream_;
  int64_t next_cycle_ = 0;
};
