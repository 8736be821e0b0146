// scrypt (RFC 7914), for key files that are encrypted with it; WebCrypto has PBKDF2 but not this.
//
// The caller bounds the cost. The section numbers are those of the RFC.

/** The key of a passphrase: `n`, `r`, `p` are the cost, `length` its bytes. */
export async function scrypt(passphrase, salt, n, r, p, length) {
  const base = await crypto.subtle.importKey("raw", passphrase, "PBKDF2", false, ["deriveBits"]);
  const pbkdf2 = async (salt, bytes) => {
    const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: 1 };
    return new Uint8Array(await crypto.subtle.deriveBits(how, base, bytes * 8));
  };
  const blocks = await pbkdf2(salt, p * 128 * r);
  const words = new Uint32Array(32 * r * p);
  const view = new DataView(blocks.buffer);
  for (let at = 0; at < words.length; at++) words[at] = view.getUint32(4 * at, true);
  for (let at = 0; at < p; at++) mixRows(words.subarray(32 * r * at, 32 * r * (at + 1)), n, r);
  for (let at = 0; at < words.length; at++) view.setUint32(4 * at, words[at], true);
  return pbkdf2(blocks, length);
}

/** scryptROMix, section 5. */
function mixRows(x, n, r) {
  const width = 32 * r;
  const v = new Uint32Array(width * n);
  const y = new Uint32Array(width);
  for (let at = 0; at < n; at++) {
    v.set(x, at * width);
    mixBlock(x, y, r);
  }
  for (let at = 0; at < n; at++) {
    const from = (x[width - 16] & (n - 1)) * width;
    for (let word = 0; word < width; word++) x[word] ^= v[from + word];
    mixBlock(x, y, r);
  }
}

/** scryptBlockMix, section 4: even blocks first, then the odd ones. */
function mixBlock(x, y, r) {
  const state = x.slice(32 * r - 16);
  for (let block = 0; block < 2 * r; block++) {
    for (let word = 0; word < 16; word++) state[word] ^= x[16 * block + word];
    salsa(state);
    y.set(state, 16 * (block % 2 === 0 ? block / 2 : r + (block - 1) / 2));
  }
  x.set(y);
}

/** Columns and rows of a round, section 3. */
const QUARTERS = [
  [0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11],
  [0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14],
];

/** Salsa20/8. */
function salsa(state) {
  const x = state.slice();
  for (let round = 0; round < 4; round++) {
    for (const [a, b, c, d] of QUARTERS) {
      x[b] ^= rotated(x[a] + x[d], 7);
      x[c] ^= rotated(x[b] + x[a], 9);
      x[d] ^= rotated(x[c] + x[b], 13);
      x[a] ^= rotated(x[d] + x[c], 18);
    }
  }
  for (let word = 0; word < 16; word++) state[word] += x[word];
}

function rotated(value, bits) {
  return (value << bits) | (value >>> (32 - bits));
}
