// Arrays on the wire: C order, little-endian, as they lie in a std::vector on common machines.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "learnda/v1/tensors.pb.h"

using learnda::v1::Tensor;
using learnda::v1::TensorPart;

constexpr size_t PART_BYTES = 1'000'000;

template <typename T> constexpr learnda::v1::DataType data_type();
template <> constexpr learnda::v1::DataType data_type<double>() {
  return learnda::v1::DATA_TYPE_FLOAT64;
}
template <> constexpr learnda::v1::DataType data_type<int32_t>() {
  return learnda::v1::DATA_TYPE_INT32;
}

// A tensor of numbers that lie in a row.
template <typename T>
Tensor write(const T* numbers, const std::vector<int64_t>& shape) {
  Tensor tensor;
  tensor.set_dtype(data_type<T>());
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  size_t count = std::accumulate(shape.begin(), shape.end(), size_t{1}, std::multiplies<>());
  tensor.set_data(numbers, count * sizeof(T));
  return tensor;
}

// What a tensor holds.
template <typename T>
std::vector<T> read(const Tensor& tensor) {
  if (tensor.dtype() != data_type<T>()) throw std::runtime_error("a tensor of another type");
  std::vector<T> numbers(tensor.data().size() / sizeof(T));
  std::memcpy(numbers.data(), tensor.data().data(), tensor.data().size());
  return numbers;
}

// Fill in a tensor that comes in parts; `next` reads the next one.
inline void gather(Tensor& tensor, const std::function<TensorPart()>& next) {
  if (!tensor.in_parts()) return;
  size_t bytes = tensor.dtype() == learnda::v1::DATA_TYPE_FLOAT64 ? 8
                 : tensor.dtype() == learnda::v1::DATA_TYPE_UINT8 ? 1
                                                                  : 4;
  for (int64_t length : tensor.shape()) bytes *= length;
  tensor.mutable_data()->reserve(bytes);
  while (tensor.data().size() < bytes) tensor.mutable_data()->append(next().data());
  tensor.set_in_parts(false);
}

// The parts of a tensor that is too large for one message of a stream, taken out of it.
inline std::vector<TensorPart> split(const std::string& field, Tensor& tensor) {
  std::vector<TensorPart> parts;
  if (tensor.data().size() <= PART_BYTES) return parts;
  for (size_t at = 0; at < tensor.data().size(); at += PART_BYTES) {
    parts.emplace_back();
    parts.back().set_field(field);
    parts.back().set_data(tensor.data().substr(at, PART_BYTES));
  }
  tensor.clear_data();
  tensor.set_in_parts(true);
  return parts;
}
