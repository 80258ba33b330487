import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useNavigate } from "react-router";

import { formatCount } from "../../lib/format";
import { axisTicks, labelPlaces, stack, total, type Column } from "./chart";
import styles from "./chart.module.css";
import { columnLink, type Verdict } from "./links";

const HEIGHT = 208;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 8;
const LABEL_PX = 88;
const MAX_BAR_PX = 40;

/** From the bottom of a column to its top. */
export const SERIES = [
  { name: "Denied", style: "denied", verdict: "deny" },
  { name: "Audited", style: "audited", verdict: "audit" },
  { name: "Allowed", style: "allowed", verdict: "allow" },
] as const;

interface Props {
  columns: readonly Column[];
  bucketS: number;
}

/** Verdicts over time as stacked columns, and as a table for those who do not see them. */
export function VerdictChart({ columns, bucketS }: Props) {
  const [box, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const navigate = useNavigate();
  const open = (column: Column, verdict?: Verdict) => void navigate(columnLink(column.start, bucketS, verdict));
  const most = Math.max(0, ...columns.map(total), ...columns.map((column) => column.line));
  const ticks = axisTicks(most);
  const top = ticks.at(-1) ?? 1;
  const plot = { width: Math.max(0, width - LEFT), height: HEIGHT - TOP - BOTTOM };
  const slot = plot.width / Math.max(1, columns.length);
  const y = (value: number) => TOP + plot.height * (1 - value / top);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") setAt(null);
    if (event.key === "Enter" && shown) open(shown);
    if (step === undefined) return;
    event.preventDefault();
    setAt((place) => Math.max(0, Math.min(columns.length - 1, (place ?? columns.length - (step < 0 ? 0 : 1)) + step)));
  };
  const shown = at === null ? undefined : columns[at];
  return (
    <div ref={box} className={styles["box"]}>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label="Verdicts over time; the arrow keys walk through them, Enter shows the events"
        tabIndex={0}
        className={styles["chart"]}
        onKeyDown={onKeyDown}
        onMouseLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line className={styles["grid"]} x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
            <text className={styles["axis"]} x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
              {formatCount(tick)}
            </text>
          </g>
        ))}
        {columns.map((column, place) => (
          <Stack key={column.start.getTime()} column={column} x={LEFT + place * slot} slot={slot} top={top} height={plot.height} active={place === at} onPoint={() => setAt(place)} onOpen={(verdict) => open(column, verdict)} />
        ))}
        <Line columns={columns} slot={slot} y={y} />
        {labelPlaces(columns.length, Math.floor(plot.width / LABEL_PX)).map((place) => (
          <text key={place} className={styles["axis"]} x={Math.min(LEFT + (place + 0.5) * slot, width - LABEL_PX / 3)} y={HEIGHT - 6} textAnchor="middle">
            {columns[place] ? shortTime(columns[place].start, bucketS) : ""}
          </text>
        ))}
      </svg>
      {shown && at !== null ? <Tip column={shown} x={LEFT + (at + 0.5) * slot} width={width} bucketS={bucketS} /> : null}
      <div className="visually-hidden" role="status">
        {shown ? `${longTime(shown.start, bucketS)}: ${words(shown)}` : ""}
      </div>
      <AsTable columns={columns} bucketS={bucketS} />
    </div>
  );
}

interface StackProps {
  column: Column;
  x: number;
  slot: number;
  top: number;
  height: number;
  active: boolean;
  onPoint: () => void;
  /** Of one verdict, or undefined for all. */
  onOpen: (verdict?: Verdict) => void;
}

function Stack({ column, x, slot, top, height, active, onPoint, onOpen }: StackProps) {
  const bar = Math.min(MAX_BAR_PX, slot * 0.72);
  return (
    <g onMouseEnter={onPoint} className={styles["link"]}>
      <rect className={active ? styles["active"] : styles["slot"]} x={x} y={TOP} width={slot} height={height} onClick={() => onOpen()} />
      {stack(column.parts, top, height).map((part, place) => (
        <rect
          key={SERIES[place]?.name ?? place}
          className={styles[SERIES[place]?.style ?? ""]}
          x={x + (slot - bar) / 2}
          y={TOP + part.y}
          width={bar}
          height={part.height}
          onClick={() => onOpen(SERIES[place]?.verdict)}
        />
      ))}
    </g>
  );
}

function Line({ columns, slot, y }: { columns: readonly Column[]; slot: number; y: (value: number) => number }) {
  if (!columns.some((column) => column.line > 0)) return null;
  const points = columns.map((column, place) => `${LEFT + (place + 0.5) * slot},${y(column.line)}`).join(" ");
  return <polyline className={styles["line"]} points={points} />;
}

const TIP_PX = 208;

function Tip({ column, x, width, bucketS }: { column: Column; x: number; width: number; bucketS: number }) {
  const left = Math.max(0, Math.min(x + 16, width - TIP_PX));
  const place = x + 16 + TIP_PX > width ? Math.max(0, x - TIP_PX - 16) : left;
  return (
    <div className={styles["tip"]} style={{ left: place, width: TIP_PX }} aria-hidden>
      <div className={styles["tipTitle"]}>{longTime(column.start, bucketS)}</div>
      {SERIES.map(({ name, style }, index) => (
        <div key={name} className={styles["tipRow"]}>
          <span className={`${styles["swatch"]} ${styles[style]}`} />
          <span>{name}</span>
          <span className={styles["number"]}>{formatCount(column.parts[index] ?? 0)}</span>
        </div>
      ))}
      <div className={styles["tipRow"]}>
        <span className={styles["dash"]} />
        <span>Unscanned</span>
        <span className={styles["number"]}>{formatCount(column.line)}</span>
      </div>
    </div>
  );
}

export function Legend() {
  return (
    <ul className={styles["legend"]} aria-label="Legend">
      {SERIES.map(({ name, style }) => (
        <li key={name}>
          <span className={`${styles["swatch"]} ${styles[style]}`} aria-hidden />
          {name}
        </li>
      ))}
      <li title="Reviews, of all of these, with an image that no verified report is known of">
        <span className={styles["dash"]} aria-hidden />
        With an unscanned image
      </li>
    </ul>
  );
}

function AsTable({ columns, bucketS }: Props) {
  return (
    <table className="visually-hidden">
      <caption>Verdicts over time</caption>
      <thead>
        <tr>
          <th scope="col">From</th>
          {SERIES.map(({ name }) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
          <th scope="col">Unscanned</th>
        </tr>
      </thead>
      <tbody>
        {columns.map((column) => (
          <tr key={column.start.getTime()}>
            <th scope="row">{longTime(column.start, bucketS)}</th>
            {column.parts.map((part, place) => (
              <td key={SERIES[place]?.name ?? place}>{part}</td>
            ))}
            <td>{column.line}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function words(column: Column): string {
  return [...SERIES.map(({ name }, place) => `${column.parts[place] ?? 0} ${name.toLowerCase()}`), `${column.line} unscanned`].join(", ");
}

const DAY_S = 86_400;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayAndClock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function shortTime(start: Date, bucketS: number): string {
  return bucketS > 3600 ? day.format(start) : clock.format(start);
}

function longTime(start: Date, bucketS: number): string {
  if (bucketS >= DAY_S) return day.format(start);
  return `${dayAndClock.format(start)} – ${clock.format(new Date(start.getTime() + bucketS * 1000))}`;
}

function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}
