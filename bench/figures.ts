/** One line of the table: what was measured of one server, in all rounds. */
export interface Figure {
  /** Such as `64 connections, 400 bytes: requests a second`. */
  section: string;
  name: string;
  /** Ratios to what `base` names, one a round, both sides from the same round; empty where there is no base. */
  ratios: readonly number[];
  base: string;
  /** This machine's own numbers. */
  values: readonly number[];
  unit: string;
}

/** Collects lines of one section, round by round. */
export class Section {
  readonly #title: string;
  readonly #base: string;
  readonly #unit: string;
  readonly #rows = new Map<string, { ratios: number[]; values: number[] }>();

  /** @param base what the ratios are to, in words */
  constructor(title: string, base: string, unit: string) {
    this.#title = title;
    this.#base = base;
    this.#unit = unit;
  }

  /** @param base the other side of the ratio, of the same round; null for none */
  add(name: string, value: number, base: number | null): void {
    const row = this.#rows.get(name) ?? { ratios: [], values: [] };
    this.#rows.set(name, row);
    row.values.push(value);
    if (base !== null && base > 0) row.ratios.push(value / base);
  }

  get figures(): Figure[] {
    return [...this.#rows].map(([name, row]) => ({
      ...{ section: this.#title, base: this.#base, unit: this.#unit, name },
      ...row,
    }));
  }
}
