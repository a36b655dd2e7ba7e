// The show page: opens the session and gives each part of the page its piece. Each part lives in its own module.

import { ShowSession, socketUrl } from "../live/session.js";
import { pageData } from "../ui/dom.js";
import { learn } from "../ui/words.js";
import { wireBar } from "./bar.js";
import { wireBidding } from "./bidding.js";
import { wireChat } from "./chat.js";
import { wireConnection } from "./connection.js";
import { wireLots } from "./lots.js";
import { wireMoments } from "./moments.js";
import { wireOrders } from "./orders.js";
import { wireReactions } from "./reactions.js";
import { wireSpotlight } from "./spotlight.js";
import { wireStage } from "./stage.js";
import { wireTitle } from "./title.js";

const data = pageData("boot");
learn(data.words);
const session = new ShowSession({ url: socketUrl(data.socket), show: data.show, room: data.room, role: data.role });
const bidding = wireBidding(session, data);
wireStage(session, data);
wireSpotlight(session);
wireBar(session, data, bidding);
wireChat(session, data);
wireLots(session, data);
wireMoments(session, data);
wireOrders(session, data);
wireReactions(session, data);
wireConnection(session, data);
wireTitle(session, data);
