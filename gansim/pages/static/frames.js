// What the engine sends, taken apart: a head, and arrays by name. gansim/live/frames.py says how it is put together.

const KINDS = { float32: Float32Array, uint8: Uint8Array };

/** @returns {{head: object, arrays: Object<string, Float32Array | Uint8Array>}} */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let at = 4 + length;
  for (const [name, kind, size] of head.arrays) {
    const array = new KINDS[kind](buffer, at, size);
    arrays[name] = array;
    at += Math.ceil(array.byteLength / 4) * 4;
  }
  return { head, arrays };
}
