// The host console: the same session as the show page, with three areas of its own. Nothing is drawn before the server says so.

import { ShowSession, socketUrl } from "../live/session.js";
import { wireConnection } from "../show/connection.js";
import { wireChat } from "../show/chat.js";
import { $, $$, pageData } from "../ui/dom.js";
import { learn } from "../ui/words.js";
import { wireTabs } from "../ui/tabs.js";
import { wireActions } from "./actions.js";
import { wireBidders } from "./bidders.js";
import { messageTools, wirePeople } from "./people.js";
import { wireNow } from "./now.js";
import { wireQueue } from "./queue.js";
import { wireSales } from "./sales.js";
import { wireShortcuts } from "./shortcuts.js";
import { wireSpotlight } from "./spotlight.js";
import { wireTop } from "./top.js";

const data = pageData("boot");
learn(data.words);
const session = new ShowSession({ url: socketUrl(data.socket), show: data.show, room: data.room, role: data.role });
const act = wireActions(session);
const queue = wireQueue(session, data, act);
wireTop(session, data, act, $("#sold-list") ? wireSales(session, data) : null);
wireNow(session, data, act, queue);
wireBidders(session, data, act);
wireSpotlight(session, data, act);
wireChat(session, data, { tools: messageTools(session, data, act) });
wirePeople(session, data, act);
wireShortcuts();
wireConnection(session, data);
for (const tabs of ["#queue-tabs", "#people-tabs"]) wireTabs($(tabs));

// On a phone one area shows at a time.
for (const button of $$(".areas [data-area]")) {
  button.addEventListener("click", () => {
    $("#desk").dataset.area = button.dataset.area;
    for (const other of $$(".areas [data-area]")) other.toggleAttribute("aria-current", other === button);
  });
}
