// Arrays on the wire. Typed arrays lie in memory as the wire has them: C order, little-endian.

const ARRAYS = {
  DATA_TYPE_FLOAT64: Float64Array,
  DATA_TYPE_FLOAT32: Float32Array,
  DATA_TYPE_INT32: Int32Array,
  DATA_TYPE_UINT8: Uint8Array,
};
const PART_BYTES = 1_000_000;

/** A Tensor of a typed array. */
export function write(array, shape = [array.length]) {
  const dtype = Object.keys(ARRAYS).find((name) => array instanceof ARRAYS[name]);
  return { dtype, shape, data: Buffer.from(array.buffer, array.byteOffset, array.byteLength) };
}

/** The typed array of a Tensor, in memory of its own. */
export function read(tensor) {
  return new ARRAYS[tensor.dtype](new Uint8Array(tensor.data).buffer);
}

/** Fill in the tensors of `message` that come in parts; `next` resolves to the stream's next. */
export async function gather(message, names, next) {
  const awaited = names.map((name) => [name, message[name]]).filter(([, t]) => t?.in_parts);
  for (const [name, tensor] of awaited) {
    const bytes = tensor.shape.reduce((a, b) => a * b, ARRAYS[tensor.dtype].BYTES_PER_ELEMENT);
    tensor.data = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      const { part } = await next();
      if (part?.field !== name) throw new Error(`a part of ${name} was to come`);
      at += part.data.copy(tensor.data, at);
    }
  }
  return message;
}

/** `tensor` as it goes into a stream under `name`, and the parts that follow where it is large. */
export function split(name, tensor) {
  if (tensor.data.length <= PART_BYTES) return [tensor, []];
  const parts = [];
  for (let at = 0; at < tensor.data.length; at += PART_BYTES) {
    parts.push({ field: name, data: tensor.data.subarray(at, at + PART_BYTES) });
  }
  return [{ dtype: tensor.dtype, shape: tensor.shape, in_parts: true }, parts];
}
