// The tab's title while nobody looks at it: the price, and "outbid" until the person is back.

import { money } from "../ui/money.js";
import { t } from "../ui/words.js";
import { isOpen } from "./bidding.js";

export function wireTitle(session) {
  const plain = document.title;
  let outbidNow = false;
  session.on("bid:accepted", (payload, { before }) => {
    if (before?.leader_id && before.leader_id === session.mine.id && payload.leader_id !== session.mine.id) outbidNow = true;
    else if (payload.leader_id === session.mine.id) outbidNow = false;
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) outbidNow = false;
    session.changed();
  });
  session.watch(() => {
    const lot = session.lot;
    const watching = document.hidden && isOpen(lot);
    document.title = !watching ? plain
      : outbidNow ? t("titleOutbid", { amount: money(lot.min_next, lot.currency) })
      : t("titlePrice", { amount: money(lot.price ?? lot.start, lot.currency), title: lot.title });
  });
}
