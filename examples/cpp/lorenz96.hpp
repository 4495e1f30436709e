// The model: dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F on a ring.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

struct Lorenz96 {
  size_t n;
  double forcing, dt;
  int steps;

  using State = std::vector<double>;

  State tendency(const State& x) const {
    State k(n);
    for (size_t i = 0; i < n; ++i) {
      k[i] = (x[(i + 1) % n] - x[(i + n - 2) % n]) * x[(i + n - 1) % n] - x[i] + forcing;
    }
    return k;
  }

  static State along(State x, const State& k, double h) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += h * k[i];
    return x;
  }

  // One Runge-Kutta step.
  void step(State& x) const {
    State k1 = tendency(x), k2 = tendency(along(x, k1, dt / 2));
    State k3 = tendency(along(x, k2, dt / 2)), k4 = tendency(along(x, k3, dt));
    for (size_t i = 0; i < n; ++i) x[i] += dt / 6 * (k1[i] + 2 * (k2[i] + k3[i]) + k4[i]);
  }

  // Every member of an ensemble [N, n], member after member, to the next analysis.
  void forecast(std::vector<double>& ensemble) const {
    for (auto member = ensemble.begin(); member != ensemble.end(); member += n) {
      State x(member, member + n);
      for (int k = 0; k < steps; ++k) step(x);
      std::copy(x.begin(), x.end(), member);
    }
  }
};
