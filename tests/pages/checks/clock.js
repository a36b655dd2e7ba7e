// The server's time on a device, and how long waits and countdowns are.

import { ServerClock, countdown, now, parts } from "/static/js/live/clock.js";
import { delayMs, isFinal, isSentAway, spreadOf } from "/static/js/live/retry.js";
import { between, equal } from "./check.js";

export const checks = {
  "a countdown reads as people say it"() {
    const rows = [
      [9_400, "9.4"], [9_999, "9.9"], [10_000, "0:10"], [42_000, "0:42"], [60_000, "1:00"], [249_900, "4:09"],
      [3_849_000, "1:04:09"], [187_200_000, "2d 4h"], [40, "0.0"], [-5_000, "0.0"],
    ];
    for (const [ms, text] of rows) equal(countdown(ms), text, `${ms} ms`);
  },
  "a show's start is counted in days, hours, minutes, seconds"() {
    equal(parts(((2 * 24 + 3) * 3600 + 4 * 60 + 5) * 1000), { days: 2, hours: 3, minutes: 4, seconds: 5 });
    equal(parts(-1), { days: 0, hours: 0, minutes: 0, seconds: 0 });
  },
  "the sample with the shortest way is believed"() {
    const clock = new ServerClock();
    clock.sample(now() - 10, 1_000_000); // ten ms for the round trip
    const believed = clock.serverNow();
    clock.sample(now() - 4_000, 9_000_000); // four seconds: may be wrong by two
    between(clock.serverNow() - believed, 0, 50, "jump");
  },
  "old samples are forgotten"() {
    const clock = new ServerClock();
    clock.sample(now(), 1_000);
    for (let i = 0; i < 8; i += 1) clock.sample(now() - 100, 5_000_000);
    between(clock.serverNow(), 5_000_000, 5_000_200);
  },
  "waits grow, are spread, and end somewhere"() {
    for (const attempt of [0, 1, 5, 12, 400]) {
      const most = Math.min(20_000, 400 * 2 ** attempt);
      between(delayMs(attempt, 0, () => 0), most / 4, most / 4);
      between(delayMs(attempt, 0, () => 1), most, most);
    }
    between(delayMs(0, 5_000, () => 0.5), 2_500, 2_500, "the server's spread");
    between(delayMs(3, 5_000, () => 1), 3_200, 3_200, "the spread counts for the first attempt only");
  },
  "close codes say whether to come back"() {
    const final = [4500, 4501, 4504, 4999, 1002, 1003, 1007, 1009];
    for (const code of final) equal(isFinal(code), true, code);
    for (const code of [1001, 1006, 1011, 1012, 4000, 4007, 4499]) equal(isFinal(code), false, code);
    equal([isSentAway(4000, true), isSentAway(4000, false), isSentAway(1006, true)], [true, false, false]);
    equal([spreadOf("draining 5000"), spreadOf("silent"), spreadOf(""), spreadOf("x 99999999")], [5000, 0, 0, 0]);
  },
};
