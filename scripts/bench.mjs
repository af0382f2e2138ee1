// Prints what `cargo bench` has just measured: ours beside OpenMLS alone, and how it grows with members. A pair that was
// measured several times in turn has the median of its ratios; a number of another machine or day is not comparable.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const [root, since] = [process.argv[2], Number(process.argv[3] ?? 0)];

/** Group → label → case → medians in nanoseconds, of this run alone: one for each time it was measured, in order. */
function measured() {
  const found = new Map();
  const walk = (directory) => {
    const at = join(directory, "new");
    if (existsSync(join(at, "benchmark.json"))) {
      const estimates = join(at, "estimates.json");
      if (statSync(estimates).mtimeMs < since) return;
      const id = JSON.parse(readFileSync(join(at, "benchmark.json")));
      const { group_id: group, function_id: label, directory_name: name } = id;
      const size = id.value_str ?? "";
      const median = JSON.parse(readFileSync(estimates)).median.point_estimate;
      if (!found.has(group)) found.set(group, new Map());
      const labels = found.get(group);
      if (!labels.has(label)) labels.set(label, new Map());
      if (!labels.get(label).has(size)) labels.get(label).set(size, []);
      // Measured again, it has a number after its name: the second _2.
      labels.get(label).get(size)[Number(/_(\d+)$/.exec(name)?.[1] ?? 1) - 1] = median;
      return;
    }
    for (const name of readdirSync(directory)) {
      if (statSync(join(directory, name)).isDirectory()) walk(join(directory, name));
    }
  };
  walk(root);
  return found;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

const ms = (ns) => `${(ns / 1e6).toFixed(ns < 1e7 ? 2 : 1)} ms`;

/** The exponent of members in the cost: the slope of a line through the logarithms. */
function exponent(points) {
  const logs = points.map(([n, ns]) => [Math.log(n), Math.log(ns)]);
  const mean = (index) => logs.reduce((sum, point) => sum + point[index], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return above / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

const byNumber = (a, b) => parseFloat(a) - parseFloat(b);

for (const [group, labels] of measured()) {
  const [floor, ours] = [labels.get("floor"), labels.get("ours")];
  if (!floor || !ours) {
    console.log(`\n| ${group} | | median |\n|---|---|---|`);
    for (const [label, cases] of labels) {
      for (const size of [...cases.keys()].sort(byNumber)) console.log(`| ${label} | ${size} | ${ms(median(cases.get(size)))} |`);
    }
    continue;
  }
  console.log(`\n| ${group} | OpenMLS alone | ours | median ratio |\n|---|---|---|---|`);
  const sizes = [...ours.keys()].sort(byNumber);
  for (const size of sizes) {
    const ratio = median(ours.get(size).map((ns, round) => ns / floor.get(size)[round]));
    console.log(`| ${size} | ${ms(median(floor.get(size)))} | ${ms(median(ours.get(size)))} | ${ratio.toFixed(2)} |`);
  }
  const numbers = sizes.filter((size) => /^\d+$/.test(size));
  if (numbers.length > 2) {
    const growth = (cases) => exponent(numbers.map((size) => [Number(size), median(cases.get(size))])).toFixed(2);
    console.log(`| growth exponent in members | ${growth(floor)} | ${growth(ours)} | |`);
  }
}
