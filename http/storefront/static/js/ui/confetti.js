// A burst of confetti on a canvas over the page, for one moment worth having. Nothing at all for people who asked for less motion.

import { calm } from "./dom.js";

const PIECES = 140;
const LAST_MS = 2600;
const COLOURS = ["#d5fa4f", "#4ae08f", "#ffffff", "#ffbe45", "#ff6f91", "#7cc7ff"];

export function confetti() {
  if (calm()) return;
  const canvas = document.createElement("canvas");
  canvas.className = "confetti";
  canvas.setAttribute("aria-hidden", "true");
  document.body.append(canvas);
  const scale = Math.min(devicePixelRatio, 2);
  const width = (canvas.width = innerWidth * scale);
  const height = (canvas.height = innerHeight * scale);
  const pen = canvas.getContext("2d");
  const pieces = Array.from({ length: PIECES }, (_, i) => piece(i, width, height, scale));
  const start = performance.now();
  let last = start;
  const frame = (time) => {
    const dt = Math.min(40, time - last) / 1000;
    last = time;
    pen.clearRect(0, 0, width, height);
    pen.globalAlpha = Math.min(1, Math.max(0, (LAST_MS - (time - start)) / 600));
    for (const p of pieces) draw(pen, p, dt, scale);
    if (time - start < LAST_MS) requestAnimationFrame(frame);
    else canvas.remove();
  };
  requestAnimationFrame(frame);
}

function piece(index, width, height, scale) {
  const left = index % 2 === 0;
  const angle = (left ? -60 : -120) * (Math.PI / 180) + (Math.random() - 0.5) * 0.9;
  const speed = (0.55 + Math.random() * 0.75) * height;
  return {
    x: left ? 0 : width, y: height * 0.72, vx: Math.cos(angle) * speed, vy: Math.sin(angle) * speed,
    spin: Math.random() * 6, turn: (Math.random() - 0.5) * 14, w: (5 + Math.random() * 6) * scale, h: (8 + Math.random() * 9) * scale,
    colour: COLOURS[index % COLOURS.length],
  };
}

function draw(pen, p, dt, scale) {
  p.vy += 1100 * scale * dt;
  p.vx *= 1 - 0.9 * dt;
  p.vy *= 1 - 0.7 * dt;
  p.x += p.vx * dt;
  p.y += p.vy * dt;
  p.spin += p.turn * dt;
  pen.save();
  pen.translate(p.x, p.y);
  pen.rotate(p.spin);
  pen.scale(1, Math.cos(p.spin * 2.3));
  pen.fillStyle = p.colour;
  pen.fillRect(-p.w / 2, -p.h / 2, p.w, p.h);
  pen.restore();
}
