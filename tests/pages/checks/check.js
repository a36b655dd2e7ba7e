// The little that checks need: equality that names both sides, and a runner that reports every failure by its name.

export function equal(got, wanted, what = "") {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what} got ${a}, wanted ${b}`);
}

export function between(got, least, most, what = "") {
  if (!(got >= least && got <= most)) throw new Error(`${what} got ${got}, wanted ${least}..${most}`);
}

/** Runs all checks of a module; [] when every one passed, else "name: why" lines. */
export async function run(checks) {
  const failures = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    }
  }
  return failures;
}
