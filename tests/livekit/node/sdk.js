// LiveKit's own SDK at the other end: reads our tokens as a LiveKit server would, and signs messages as one does.
// Takes lines of JSON, answers each with a line of JSON: {"verify": token} or {"sign": body}, both with key and secret.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { AccessToken, TokenVerifier, WebhookReceiver } from "livekit-server-sdk";

async function answer({ key, secret, verify, sign }) {
  if (verify !== undefined) return { claims: await new TokenVerifier(key, secret).verify(verify) };
  const token = new AccessToken(key, secret, { ttl: 300 });
  token.sha256 = createHash("sha256").update(sign).digest("base64");
  const signed = await token.toJwt();
  const event = await new WebhookReceiver(key, secret).receive(sign, signed);
  return { authorization: signed, event: event.event };
}

for await (const line of createInterface({ input: process.stdin })) {
  let told;
  try {
    told = await answer(JSON.parse(line));
  } catch (error) {
    told = { refused: String(error) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
