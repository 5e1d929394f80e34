// What is asked for, in the address behind "#": what differs from where one starts, as base64 of JSON.

const LARGEST = 6000; // characters: some mail programs cut longer addresses

/** @returns {string} what stands behind "#"; empty if it would be too long, as with many observed values */
export function written(asked, start) {
  const configurations = asked.configurations.map((one) => difference(one, start));
  const text = JSON.stringify({ ...asked, configurations });
  const bytes = new TextEncoder().encode(text);
  const coded = btoa(String.fromCharCode(...bytes.slice(0, 4 * LARGEST))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return coded.length > LARGEST ? "" : coded;
}

/** What an address asks for, or null if it holds nothing that can be read. */
export function read(hash, start) {
  try {
    const bytes = Uint8Array.from(atob(hash.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
    const asked = JSON.parse(new TextDecoder().decode(bytes));
    if (!Array.isArray(asked.configurations) || !asked.configurations.length || !asked.configurations.every(plain)) return null;
    const configurations = asked.configurations.slice(0, 3).map((one) => put(structuredClone(start), one));
    return { ...asked, configurations };
  } catch {
    return null;
  }
}

/** What of an object differs from another; an object of another kind as a whole. */
function difference(value, from) {
  const found = {};
  for (const [name, own] of Object.entries(value)) {
    const other = from?.[name];
    if (plain(own) && plain(other) && own.kind === other.kind) {
      const inner = difference(own, other);
      if (Object.keys(inner).length) found[name] = inner;
    } else if (JSON.stringify(own) !== JSON.stringify(other)) found[name] = own;
  }
  return found;
}

function put(value, changes) {
  for (const [name, change] of Object.entries(changes)) {
    const same = plain(change) && plain(value[name]) && (change.kind === undefined || change.kind === value[name].kind);
    value[name] = same ? put(value[name], change) : change;
  }
  return value;
}

function plain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
