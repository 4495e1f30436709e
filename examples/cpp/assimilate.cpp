// The same experiment with a model of our own: the truth and its observations come from the service,
// the forecasts are computed here, the analyses there. One line of JSON for each cycle.
#include <cmath>
#include <cstdio>
#include <fstream>

#include "client.hpp"
#include "lorenz96.hpp"
#include "session.hpp"
#include "tensors.hpp"

namespace v1 = learnda::v1;

// An experiment: in full, its first ensemble, and truth, sites and values cycle after cycle.
struct Nature {
  v1::Experiment experiment;
  std::vector<double> ensemble, t, truth, values;
  std::vector<int32_t> sites;
};

template <typename T>
void append(std::vector<T>& all, const Tensor& tensor) {
  auto numbers = read<T>(tensor);
  all.insert(all.end(), numbers.begin(), numbers.end());
}

Nature read_nature(Service& service, const Options& options) {
  v1::StreamNatureRequest request;
  *request.mutable_experiment() = experiment(options);
  grpc::ClientContext context;
  authorize(context, options);
  auto events = service.StreamNature(&context, request);

  Nature nature;
  v1::StreamNatureResponse event, part;
  auto next_part = [&] {
    if (!events->Read(&part)) throw Failure(events->Finish());
    return part.part();
  };
  while (events->Read(&event)) {
    if (event.has_started()) {
      auto& started = *event.mutable_started();
      gather(*started.mutable_ensemble(), next_part);
      nature.experiment = started.experiment();
      nature.ensemble = read<double>(started.ensemble());
    } else {
      auto& span = *event.mutable_span();
      gather(*span.mutable_truth(), next_part);
      gather(*span.mutable_sites(), next_part);
      gather(*span.mutable_values(), next_part);
      nature.t.insert(nature.t.end(), span.t().begin(), span.t().end());
      append(nature.truth, span.truth());
      append(nature.sites, span.sites());
      append(nature.values, span.values());
    }
  }
  auto status = events->Finish();
  if (!status.ok()) throw Failure(status);
  return nature;
}

// Root of the site-mean squared error of the mean of an ensemble [N, n].
double rmse(const std::vector<double>& ensemble, const double* truth, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    double mean = 0;
    for (size_t at = i; at < ensemble.size(); at += n) mean += ensemble[at];
    sum += std::pow(mean / (ensemble.size() / n) - truth[i], 2);
  }
  return std::sqrt(sum / n);
}

int main(int argc, char** argv) {
  return run(argc, argv, [](Service& service, const Options& options) {
    Nature nature = read_nature(service, options);
    const auto& setting = nature.experiment;
    const int64_t members = setting.ensemble_size(), n = setting.lorenz96_n(), m = setting.m();
    const double variance = setting.std_obs() * setting.std_obs();
    Lorenz96 model{static_cast<size_t>(n), setting.lorenz96_f(), setting.dt(),
                   static_cast<int>(std::lround(setting.obs_freq() / setting.dt()))};

    v1::OpenSession open;
    open.mutable_setting()->set_method("letkf");
    *open.mutable_setting()->mutable_params() = parameters(options);
    open.mutable_setting()->mutable_geometry()->mutable_ring();
    open.set_ensemble_size(members);
    open.set_state_size(n);
    v1::CycleAnalysis analysis;  // the last one
    const bool resumed = !options.text("resume").empty();
    if (resumed) {
      std::ifstream file(options.text("resume"), std::ios::binary);
      if (!analysis.ParseFromIstream(&file)) throw std::runtime_error("no analysis to resume");
      *open.mutable_state() = analysis.state();
    }
    Session session(service, options, open);
    std::vector<double> ensemble =
        resumed ? read<double>(analysis.ensemble()) : nature.ensemble;
    if (resumed) model.forecast(ensemble);

    const std::string& until = options.text("until");
    const int64_t end = until.empty() ? nature.t.size() : std::stoll(until);
    for (int64_t k = session.next_cycle(); k < end; k = session.next_cycle()) {
      const double* truth = &nature.truth[k * n];
      v1::Cycle cycle;
      *cycle.mutable_ensemble() = write(ensemble.data(), {members, n});
      auto& observations = *cycle.mutable_observations();
      *observations.mutable_values() = write(&nature.values[k * m], {m});
      *observations.mutable_sites() = write(&nature.sites[k * m], {m});
      *observations.mutable_variances() = write(&variance, {});  // one for all
      const double before = rmse(ensemble, truth, n);

      analysis = session.analyse(cycle);
      ensemble = read<double>(analysis.ensemble());
      std::printf(
          "{\"cycle\":%lld,\"t\":%.17g,\"rmse_background\":%.17g,\"rmse_analysis\":%.17g}\n",
          static_cast<long long>(analysis.cycle()), nature.t[k], before, rmse(ensemble, truth, n));
      if (k + 1 < end) model.forecast(ensemble);
    }
    session.close();
    if (!options.text("save").empty()) {
      std::ofstream file(options.text("save"), std::ios::binary);
      analysis.SerializeToOstream(&file);
    }
  });
}
