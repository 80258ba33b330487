import { useSyncExternalStore } from "react";

/** Whether the content of the page, beside the navigation, is at least `pixels` wide. */
export function useIsWide(pixels: number): boolean {
  return useSyncExternalStore(observe, () => contentWidth() >= pixels);
}

const content = (): HTMLElement => document.getElementById("content") ?? document.body;

const contentWidth = (): number => content().clientWidth;

function observe(onChange: () => void): () => void {
  const observer = new ResizeObserver(onChange);
  observer.observe(content());
  return () => observer.disconnect();
}
