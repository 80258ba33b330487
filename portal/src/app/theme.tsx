import {
  FluentProvider,
  RendererProvider,
  createDOMRenderer,
  createDarkTheme,
  createLightTheme,
  type BrandVariants,
  type Theme,
} from "@fluentui/react-components";
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from "react";

export type ThemeChoice = "light" | "dark" | "system";

const BRAND: BrandVariants = {
  10: "#020609",
  20: "#0a1c28",
  30: "#0c2f44",
  40: "#0c3d59",
  50: "#0b4b6e",
  60: "#0a5883",
  70: "#0b6697",
  80: "#0f6fa6",
  90: "#2e85b9",
  100: "#4898c8",
  110: "#60aad6",
  120: "#79bbe2",
  130: "#92cbec",
  140: "#acdaf4",
  150: "#c6e7fa",
  160: "#e1f3fd",
};

// A step firmer than Fluent's own secondary grey, so that small text keeps 4.5:1 on every surface.
const LIGHT: Theme = { ...createLightTheme(BRAND), colorNeutralForeground3: "#5c5c5c" };
const DARK: Theme = {
  ...createDarkTheme(BRAND),
  colorBrandForeground1: BRAND[120],
  colorBrandForeground2: BRAND[130],
  colorBrandForegroundLink: BRAND[120],
  colorBrandForegroundLinkHover: BRAND[130],
  colorNeutralForeground3: "#b8b8b8",
  colorStatusDangerForeground1: "#ec8d95",
};

const KEY = "tidegate.theme";

interface ThemeState {
  choice: ThemeChoice;
  dark: boolean;
  choose: (choice: ThemeChoice) => void;
}

const ThemeContext = createContext<ThemeState>({
  choice: "system",
  dark: false,
  choose: () => undefined,
});

export const useTheme = () => use(ThemeContext);

/** Gives everything below the chosen theme; style elements carry the page's nonce. */
export function ThemeRoot({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState<ThemeChoice>(readChoice);
  const systemDark = useSystemDark();
  const dark = choice === "dark" || (choice === "system" && systemDark);
  const renderer = useMemo(() => makeRenderer(), []);

  useEffect(() => {
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  }, [dark]);

  const state = useMemo<ThemeState>(
    () => ({
      choice,
      dark,
      choose: (next) => {
        localStorage.setItem(KEY, next);
        setChoice(next);
      },
    }),
    [choice, dark],
  );
  return (
    <RendererProvider renderer={renderer} targetDocument={document}>
      <FluentProvider theme={dark ? DARK : LIGHT}>
        <ThemeContext value={state}>{children}</ThemeContext>
      </FluentProvider>
    </RendererProvider>
  );
}

function makeRenderer() {
  const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
  return createDOMRenderer(document, { styleElementAttributes: { nonce } });
}

function readChoice(): ThemeChoice {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function useSystemDark(): boolean {
  const media = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const [dark, setDark] = useState(media.matches);
  useEffect(() => {
    const follow = () => setDark(media.matches);
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, [media]);
  return dark;
}
