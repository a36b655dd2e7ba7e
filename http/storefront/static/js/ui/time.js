// Times by the reader's own locale and zone. The server renders a full UTC text; this makes it pleasant.

/** Rewrites every `<time data-local="datetime|time|day">` in place. */
export function localTimes(root = document) {
  for (const node of root.querySelectorAll("time[data-local]")) {
    const when = new Date(node.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    node.textContent = friendly(when, node.dataset.local);
    node.title = when.toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
  }
}

/** `today, 18:30`, `tomorrow, 09:00`, `Fri 12 Jun, 18:30`. */
export function friendly(when, style = "datetime") {
  const time = when.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
  if (style === "time") return time;
  const days = Math.round((midnight(when) - midnight(new Date())) / 86_400_000);
  const near = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const day =
    Math.abs(days) <= 1
      ? capital(near.format(days, "day"))
      : when.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
  return style === "day" ? day : `${day}, ${time}`;
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).valueOf();
}

const capital = (word) => word.charAt(0).toLocaleUpperCase() + word.slice(1);
