// busiest.js -- which workers count most at the moment: the daemon answers with what each has counted,
// and keeps nothing; so rates are made here, of two answers.

const PART = 0.4;  // of the newest rate in the order, so that it is calm

export const keyOf = (segment, slot, generation) => JSON.stringify([segment, slot, generation]);

export class Busiest {
  #seen = new Map();  // by key: {counted, time, calm}

  // Takes an answer with totals. Returns [{key, slot}, ...], the busiest first; workers that count
  // alike stay in the order of the answer.
  order(answer) {
    const now = new Map();
    const all = answer.totals.flatMap(({segment, slots}) => slots.map((slot) => [segment, ...slot]));
    const workers = all.map(([segment, slot, generation, counted]) => {
      const key = keyOf(segment, slot, generation);
      const before = this.#seen.get(key);
      let calm = before?.calm ?? 0;
      if (before && answer.time > before.time) {
        const rate = Math.max(0, counted - before.counted) / (answer.time - before.time);
        calm += PART * (rate - calm);
      }
      now.set(key, {counted, time: answer.time, calm});
      return {key, slot, calm};
    });
    this.#seen = now;
    return workers.sort((a, b) => b.calm - a.calm);
  }
}
