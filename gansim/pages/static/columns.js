// Numbers in a text: a list, or a table of which a column is meant.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The numbers in a text, whatever stands between them. */
export function listed(text) {
  return text
    .split(/[\s,;]+/)
    .filter((word) => NUMBER.test(word))
    .map(Number);
}

/**
 * What of a text may be meant, the likeliest first: each has a name, its numbers, and what is told of them.
 * @returns {{name: string, numbers: number[], told: string}[]}
 */
export function columns(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const fields = lines.map((line) => line.trim().split(/\s*[,;\t]\s*|\s+/));
  const wide = Math.max(1, ...fields.slice(0, 1000).map((row) => row.length));
  const table = wide > 1 && lines.length > 2 && fields.filter((row) => row.length === wide).length > 0.9 * lines.length;
  const all = { name: "all numbers", ...taken(fields.flat(), "words", lines.length) };
  if (!table) return [all];
  const head = fields[0].some((word) => NUMBER.test(word)) ? null : fields[0];
  const found = Array.from({ length: wide }, (_, k) => ({
    name: head ? head[k] : `column ${k + 1}`,
    ...taken(fields.slice(head ? 1 : 0).map((row) => row[k] ?? ""), "lines", lines.length - (head ? 1 : 0)),
  })).filter((one) => one.numbers.length > 1 && !isCount(one.numbers));
  const decimal = /^\s*[+-]?\d+,\d+\s*$/.test(lines[lines.length - 1]) && !text.includes(".");
  const commas = decimal ? [{ name: "a comma is the decimal sign", ...taken(lines.map((line) => line.trim().replace(",", ".")), "lines", lines.length) }] : [];
  return [...commas, ...found, all];
}

function taken(words, of, lines) {
  const numbers = words.filter((word) => NUMBER.test(word)).map(Number);
  const left = words.length - numbers.length;
  const told = `${numbers.length.toLocaleString("en")} number${numbers.length === 1 ? "" : "s"} from ${lines.toLocaleString("en")} lines`;
  return { numbers, told: left ? `${told}; ${left.toLocaleString("en")} ${of} were no numbers and are left out` : told };
}

/** Whether numbers only count the lines: 1, 2, 3 or 0, 1, 2. */
function isCount(numbers) {
  return numbers.every((number, k) => number === numbers[0] + k) && (numbers[0] === 0 || numbers[0] === 1);
}
