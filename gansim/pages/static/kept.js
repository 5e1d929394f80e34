// Columns of numbers that were sent once and are named by their digest from then on: a million of them with every change
// of a slider would make it useless.

export class Kept {
  constructor(line) {
    this.line = line;
    this.numbers = new Map();
    this.waiting = [];
  }

  /** Send numbers; `then` is called with what they are named by. Answers come in the order of what was sent. */
  keep(numbers, then) {
    this.waiting.push([numbers, then]);
    this.line.send({ do: "keep", generation: this.line.next(), values: numbers });
  }

  known(digest) {
    const [numbers, then] = this.waiting.shift();
    this.numbers.set(digest, numbers);
    then(digest);
  }

  /** What was refused is waited for no longer. */
  refused() {
    this.waiting.shift();
  }

  /** A configuration as an address holds it: with the numbers themselves. */
  written(configuration) {
    const { target } = configuration;
    const numbers = this.numbers.get(target?.values);
    return numbers ? { ...configuration, target: { ...target, values: numbers } } : configuration;
  }

  /** Send all again, to an engine that has begun anew. */
  again() {
    for (const values of this.numbers.values()) this.line.send({ do: "keep", generation: 0, values, again: true });
  }
}
