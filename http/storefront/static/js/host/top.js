// The console's head: on air since, viewers, sold, earned; start and end of the show.

import { countdown } from "../live/clock.js";
import { $, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { t } from "../ui/words.js";
import { twice } from "./actions.js";

export function wireTop(session, data, act, sales) {
  const earned = $("#earned");
  // What was sold before this page's snapshot is in the server's figure; what comes later is added as it comes.
  let total = Number(earned.dataset.total);
  let sold = Number($("#sold-count").textContent);
  let status = data.status;

  session.on("lot:sold", (payload) => {
    total += payload.price;
    sold += 1;
  });
  session.watch(() => {
    if (sales) {
      // The seller's own orders know more: what was bought from the spotlight, what fell through, what is paid.
      [total, sold] = [sales.earned, sales.count];
      text($("#paid"), money(sales.paid, data.currency));
    }
    status = session.view.show.status ?? data.status;
    $("#desk-top").dataset.status = status;
    text($("#status-words"), t({ live: "onAir", ended: "endedShort", scheduled: "notStarted" }[status]));
    text($("#viewers"), session.viewers === null ? "–" : session.viewers.toLocaleString());
    text($("#sold-count"), sold.toLocaleString());
    text(earned, money(total, data.currency));
    text($("#ended-total"), money(total, data.currency));
    show($("#end-show"), status === "live");
  });
  setInterval(() => {
    const since = session.view.show.started_at;
    // Under ten seconds a countdown shows tenths; a running time never does.
    text($("#on-air"), status === "live" && since ? countdown(Math.max(10_000, session.clock.serverNow() - since)) : "");
  }, 1000);

  $("#start-show")?.addEventListener("click", (event) => act(event.currentTarget, "show:start"));
  const end = $("#end-show");
  if (end) twice(end, t("endSure"), () => act(end, "show:end"));
}
