// Scrolls through a long list of the portal in Chromium and says how it went, as one line of JSON.
// Arguments: address of the page, API token, name of the grid, number of rows, pixels a second.
// bench/portal.py runs it.
import { chromium } from "@playwright/test";

const [address, token, grid, rowCount, speed] = process.argv.slice(2);
const last = Number(rowCount) - 1;
const GESTURE_PX = 40_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const metrics = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { metrics: found } = await devtools.send("Performance.getMetrics");
    const value = (name) => found.find((metric) => metric.name === name).value;
    return { nodes: value("Nodes"), heapMib: value("JSHeapUsedSize") / 2 ** 20 };
  };

  await page.goto(address);
  await page.getByRole("button", { name: "Use an API token instead" }).click();
  await page.getByLabel("API token").fill(token);
  const asked = Date.now();
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  const rows = page.getByRole("grid", { name: grid }).locator("[role=row][data-index]");
  await rows.first().waitFor();
  const shownMs = Date.now() - asked;
  // All that is loaded before somebody scrolls: a part, or everything.
  await page.locator(`[role=grid][aria-rowcount="-1"], [role=grid][aria-rowcount="${last + 2}"]`).waitFor();
  const before = await metrics();

  // Frames are counted in the page: what a person sees is when the next one comes.
  await page.evaluate((name) => {
    const seen = (window.measured = { frames: [], mostRows: 0, blankFrames: 0 });
    const table = document.querySelector(`[role=grid][aria-label="${name}"]`);
    const scroller = table.parentElement;
    let then = performance.now();
    const frame = (now) => {
      seen.frames.push(now - then);
      then = now;
      const rows = table.querySelectorAll("[role=row][data-index]");
      seen.mostRows = Math.max(seen.mostRows, rows.length);
      const middle = scroller.getBoundingClientRect();
      const at = document.elementFromPoint(middle.x + 300, middle.y + middle.height / 2);
      if (!at?.closest("[role=row]")) seen.blankFrames += 1;
      seen.next = requestAnimationFrame(frame);
    };
    seen.next = requestAnimationFrame(frame);
  }, grid);

  const box = await rows.first().boundingBox();
  const began = Date.now();
  while ((await rows.last().getAttribute("data-index")) !== String(last)) {
    if (Date.now() - began > 120_000) throw new Error(`row ${last} was not reached within two minutes`);
    await devtools.send("Input.synthesizeScrollGesture", {
      x: box.x + 300,
      y: box.y + 200,
      yDistance: -GESTURE_PX,
      speed: Number(speed),
      gestureSourceType: "mouse",
      preventFling: true,
    });
  }
  const tookMs = Date.now() - began;
  const measured = await page.evaluate(() => {
    cancelAnimationFrame(window.measured.next);
    const { frames, mostRows, blankFrames } = window.measured;
    return { frames, mostRows, blankFrames };
  });
  process.stdout.write(`${JSON.stringify({ shownMs, tookMs, before, after: await metrics(), ...measured })}\n`);
} finally {
  await browser.close();
}
