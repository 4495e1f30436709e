// A twin experiment with the LETKF, computed by the service: one line of JSON for each cycle.
#include <cstdio>

#include "client.hpp"

int main(int argc, char** argv) {
  return run(argc, argv, [](Service& service, const Options& options) {
    learnda::v1::RunExperimentRequest request;
    *request.mutable_experiment() = experiment(options);
    auto& method = *request.add_methods();
    method.set_id("letkf");
    method.set_name("letkf");
    *method.mutable_params() = parameters(options);

    grpc::ClientContext context;
    authorize(context, options);
    auto events = service.RunExperiment(&context, request);
    learnda::v1::RunExperimentResponse event;
    while (events->Read(&event)) {
      if (!event.has_progress()) continue;  // started, compiling, completed ...
      const auto& progress = event.progress();
      const auto& series = progress.replicates();
      for (int i = 0; i < progress.step_count(); ++i) {
        std::printf(
            "{\"cycle\":%lld,\"t\":%.17g,\"rmse_background\":%.17g,\"rmse_analysis\":%.17g}\n",
            static_cast<long long>(progress.first_step() + i), progress.t(i),
            series.rmse_background(i), series.rmse_analysis(i));
      }
    }
    auto status = events->Finish();
    if (!status.ok()) throw Failure(status);
  });
}
