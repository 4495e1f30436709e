#include "client.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "failures.pb.h"

namespace {

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Options::Options(int argc, char** argv)
    : values_{
          {"address", environment("LEARNDA_COMPUTE_ADDRESS", "127.0.0.1:50051")},
          {"token", environment("LEARNDA_TOKEN", "")},
          {"tls", ""},  // a PEM file of who vouches for the server; without it: no TLS
          {"seed", "1"},
          {"cycles", "40"},
          {"members", "20"},
          {"radius", "2"},
          {"inf-fact", "1.04"},
          {"until", ""},   // of assimilate: the cycle before which it stops
          {"save", ""},    // of assimilate: the file in which the last answer is kept
          {"resume", ""},  // of assimilate: such a file, to go on behind it
      } {
  for (int i = 1; i < argc; ++i) {
    std::string given = argv[i];
    auto equals = given.find('=');
    auto known = given.rfind("--", 0) == 0 && equals != std::string::npos
                     ? values_.find(given.substr(2, equals - 2))
                     : values_.end();
    if (known == values_.end()) throw std::invalid_argument(given + " is no --option=value");
    known->second = given.substr(equals + 1);
  }
}

std::unique_ptr<Service> connect(const Options& options) {
  auto credentials = grpc::InsecureChannelCredentials();
  if (!options.text("tls").empty()) {
    grpc::SslCredentialsOptions trusted;
    trusted.pem_root_certs = contents(options.text("tls"));
    credentials = grpc::SslCredentials(trusted);
  }
  return learnda::v1::AssimilationService::NewStub(
      grpc::CreateChannel(options.text("address"), credentials));
}

void authorize(grpc::ClientContext& context, const Options& options) {
  if (!options.text("token").empty()) {
    context.AddMetadata("authorization", "Bearer " + options.text("token"));
  }
}

learnda::v1::Experiment experiment(const Options& options) {
  learnda::v1::Experiment message;
  message.set_ensemble_size(std::stoll(options.text("members")));
  message.set_seed(std::stoll(options.text("seed")));
  message.set_obs_freq(0.1);
  message.set_end_time((options.number("cycles") - 1) * 0.1);
  return message;
}

google::protobuf::Struct parameters(const Options& options) {
  google::protobuf::Struct message;
  auto& fields = *message.mutable_fields();
  fields["r"].set_number_value(options.number("radius"));
  fields["inf_fact"].set_number_value(options.number("inf-fact"));
  return message;
}

std::string explain(const grpc::Status& status) {
  std::string text =
      "status " + std::to_string(status.error_code()) + ": " + status.error_message() + "\n";
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest refused;
    if (!detail.UnpackTo(&refused)) continue;
    for (const auto& violation : refused.field_violations()) {
      text += "  " + violation.field() + ": " + violation.description() + "\n";
    }
  }
  return text;
}

int run(int argc, char** argv, const std::function<void(Service&, const Options&)>& program) {
  try {
    Options options(argc, argv);
    program(*connect(options), options);
    return 0;
  } catch (const Failure& failure) {
    std::cerr << explain(failure.status);
    return 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
