/** QR codes (ISO/IEC 18004) of up to 271 bytes: versions 1 to 10, byte mode, error correction level L. */

const LEVEL_BITS = 0b01;
// For each version: the bytes of error correction in a block, and the number of blocks.
const BLOCKS = [[7, 1], [10, 1], [15, 1], [20, 1], [26, 1], [18, 2], [20, 2], [24, 2], [30, 2], [18, 4]];
const ALIGNMENT = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];
const MASKS = [
  (x, y) => (x + y) % 2, (_x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** Return the rows of the code, true for dark modules. */
export function qrCode(content) {
  const bytes = new TextEncoder().encode(content);
  const version = BLOCKS.findIndex((_, index) => bytes.length + (index < 9 ? 2 : 3) <= dataLength(index + 1)) + 1;
  if (!version) throw new RangeError("The content is too long for a QR code.");
  const stream = interleaved(dataOf(bytes, version), version);
  const codes = MASKS.map((_, mask) => drawn(version, stream, mask));
  return codes.reduce((best, code) => (penalty(code) < penalty(best) ? code : best));
}

const sizeOf = (version) => version * 4 + 17;
const [correctionOf, blocksOf] = [(version) => BLOCKS[version - 1][0], (version) => BLOCKS[version - 1][1]];
const dataLength = (version) => (moduleCount(version) >> 3) - correctionOf(version) * blocksOf(version);

/** Count the modules for data and error correction: all except patterns and information. */
function moduleCount(version) {
  const aligned = ALIGNMENT[version - 1].length;
  const patterns = aligned && (25 * aligned - 10) * aligned - 55;
  return (16 * version + 128) * version + 64 - patterns - (version >= 7 ? 36 : 0);
}

function dataOf(bytes, version) {
  const bits = [];
  const push = (value, length) => { for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1); };
  push(0b0100, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => push(byte, 8));
  const capacity = dataLength(version) * 8;
  push(0, Math.min(4, capacity - bits.length));
  push(0, -bits.length & 7);
  for (let pad = 0xec; bits.length < capacity; pad ^= 0xfd) push(pad, 8);
  return Array.from({ length: capacity / 8 }, (_, index) => bits.slice(index * 8, index * 8 + 8).reduce((byte, bit) => byte * 2 + bit));
}

/** Split the data into blocks, add error correction to each, and take a byte of each block in turn. */
function interleaved(data, version) {
  const [count, correction] = [blocksOf(version), correctionOf(version)];
  const short = Math.floor(data.length / count), longFrom = count - (data.length % count);
  const blocks = Array.from({ length: count }, (_, index) => {
    const start = index * short + Math.max(0, index - longFrom);
    return data.slice(start, start + short + (index >= longFrom ? 1 : 0));
  });
  const corrections = blocks.map((block) => remainder(block, generator(correction)));
  const inTurn = (lists) => lists.at(-1).flatMap((_, index) => lists.filter((list) => index < list.length).map((list) => list[index]));
  return [...inTurn(blocks), ...inTurn(corrections)];
}

function multiply(left, right) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((right >> bit) & 1) * left);
  return product;
}

/** Return the coefficients of the product of (x - 2^i) for i below `degree`, without the first, which is 1. */
function generator(degree) {
  const result = [...Array(degree - 1).fill(0), 1];
  for (let index = 0, root = 1; index < degree; index++, root = multiply(root, 2)) {
    for (let place = 0; place < degree; place++) {
      result[place] = multiply(result[place], root) ^ (place + 1 < degree ? result[place + 1] : 0);
    }
  }
  return result;
}

function remainder(data, divisor) {
  const result = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ result.shift();
    result.push(0);
    divisor.forEach((coefficient, index) => { result[index] ^= multiply(coefficient, factor); });
  }
  return result;
}

/** Draw the patterns, the stream in its zigzag, the mask, and the information about both. */
function drawn(version, stream, mask) {
  const size = sizeOf(version);
  const code = Array.from({ length: size }, () => Array(size).fill(null));
  const put = (x, y, dark) => { if (code[y]?.[x] !== undefined) code[y][x] = Boolean(dark); };
  drawPatterns(version, put, code);
  drawInformation(version, mask, put);
  let bit = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (code[y][x] !== null) continue;
        const dark = bit < stream.length * 8 && (stream[bit >> 3] >> (7 - (bit & 7))) & 1;
        code[y][x] = Boolean(dark) !== (MASKS[mask](x, y) === 0);
        bit++;
      }
    }
  }
  return code;
}

function drawPatterns(version, put, code) {
  const size = code.length;
  for (const [left, top] of [[0, 0], [size - 7, 0], [0, size - 7]]) {
    for (let y = -1; y <= 7; y++) {
      for (let x = -1; x <= 7; x++) {
        const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
        put(left + x, top + y, ring !== 2 && ring !== 4);
      }
    }
  }
  const centres = ALIGNMENT[version - 1];
  for (const y of centres) {
    for (const x of centres) {
      if (code[y][x] !== null) continue; // a corner
      for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) put(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }
  for (let place = 8; place < size - 8; place++) {
    put(place, 6, place % 2 === 0);
    put(6, place, place % 2 === 0);
  }
}

/** Append the remainder of a division by `divisor`, which has `length` bits. */
function withCheck(value, divisor, length) {
  let rest = value;
  for (let bit = 0; bit < length; bit++) rest = (rest << 1) ^ ((rest >> (length - 1)) * divisor);
  return (value << length) | rest;
}

function drawInformation(version, mask, put) {
  const size = sizeOf(version);
  const format = withCheck((LEVEL_BITS << 3) | mask, 0x537, 10) ^ 0x5412;
  for (let bit = 0; bit < 15; bit++) {
    const dark = (format >> bit) & 1;
    // Once beside the first corner, once split between the other two.
    if (bit < 6) put(8, bit, dark);
    else if (bit < 8) put(8, bit + 1, dark);
    else put(bit === 8 ? 7 : 14 - bit, 8, dark);
    if (bit < 8) put(size - 1 - bit, 8, dark);
    else put(8, size - 15 + bit, dark);
  }
  put(8, size - 8, true);
  for (let bit = 0; version >= 7 && bit < 18; bit++) {
    const dark = (withCheck(version, 0x1f25, 12) >> bit) & 1;
    const [far, near] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
    put(far, near, dark);
    put(near, far, dark);
  }
}

/** Rate a masked code: long runs, blocks, patterns like those of the corners, and an uneven share of dark modules. */
function penalty(code) {
  const columns = code.map((_, x) => code.map((row) => row[x]));
  const lines = [...code, ...columns].map((line) => line.map((dark) => (dark ? "1" : "0")).join(""));
  const runs = lines.flatMap((line) => line.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);
  const corners = lines.reduce((sum, line) => sum + (line.match(/(?=10111010000|00001011101)/g) ?? []).length * 40, 0);
  let blocks = 0;
  for (let y = 1; y < code.length; y++) {
    for (let x = 1; x < code.length; x++) {
      if ([code[y - 1][x], code[y][x - 1], code[y - 1][x - 1]].every((dark) => dark === code[y][x])) blocks += 3;
    }
  }
  const dark = code.flat().filter(Boolean).length / code.length ** 2;
  return runs + corners + blocks + Math.floor(Math.abs(dark * 20 - 10)) * 10;
}

const SVG = "http://www.w3.org/2000/svg";

/** Draw the code with its quiet zone. */
export function qrImage(content, label) {
  const code = qrCode(content);
  const image = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  image.setAttribute("viewBox", `-2 -2 ${code.length + 4} ${code.length + 4}`);
  image.setAttribute("role", "img");
  image.setAttribute("aria-label", label);
  path.setAttribute("fill", "#000");
  path.setAttribute("d", code.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join(""));
  image.append(path);
  return image;
}
