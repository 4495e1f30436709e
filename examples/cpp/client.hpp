// The service: where it is, how it is called, what its refusals say.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "learnda/v1/assimilation.grpc.pb.h"

using Service = learnda::v1::AssimilationService::Stub;

// Options of the command line, "--name=value", over their defaults.
class Options {
 public:
  // Throws std::invalid_argument where one is unknown.
  Options(int argc, char** argv);

  const std::string& text(const std::string& name) const { return values_.at(name); }
  double number(const std::string& name) const { return std::stod(text(name)); }

 private:
  std::map<std::string, std::string> values_;
};

// A call that failed, with the status it ended with.
struct Failure : std::runtime_error {
  explicit Failure(const grpc::Status& ended) : runtime_error(ended.error_message()), status(ended) {}
  grpc::Status status;
};

// A stub of the service.
std::unique_ptr<Service> connect(const Options& options);

// Put the token, if there is one, into what a call sends first.
void authorize(grpc::ClientContext& context, const Options& options);

// The experiment that both programs speak of: 40 sites, analysed every 0.1 units of time.
learnda::v1::Experiment experiment(const Options& options);

// Radius and inflation of the LETKF.
google::protobuf::Struct parameters(const Options& options);

// One line for people, then one for each field that was refused.
std::string explain(const grpc::Status& status);

// Run `program`; a failure is explained on stderr. Returns main's exit status.
int run(int argc, char** argv, const std::function<void(Service&, const Options&)>& program);
