import { Checkbox, Skeleton, SkeletonItem } from "@fluentui/react-components";
import { ArrowDown12Regular, ArrowUp12Regular } from "@fluentui/react-icons";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import styles from "./DataTable.module.css";

const ROW_PX = 40;
const OVERSCAN = 12;
/** Rows before the end at which more are asked for: about as many as one turn of the wheel passes. */
const AHEAD = 60;
const SKELETON_ROWS = 8;

export interface Column<T> {
  key: string;
  header: string;
  /** A track of CSS grid: `minmax(120px, 2fr)`. */
  width: string;
  render: (row: T) => ReactNode;
  /** Makes the column sortable. */
  sortBy?: (row: T) => string | number;
  align?: "end";
}

interface Sort {
  key: string;
  down: boolean;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  loading?: boolean;
  empty: ReactNode;
  minWidth?: number;
  sort?: Sort;
  /** The row whose details are shown. */
  activeKey?: string | undefined;
  onOpen?: (row: T) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (keys: ReadonlySet<string>) => void;
  /** Called near the end of what is loaded. */
  onEnd?: () => void;
  /** Whether the hub has rows beyond those. */
  more?: boolean;
  /** Rows below a given height instead of all the height there is. */
  maxHeight?: number;
}

/** A table that stays fast with any number of rows: only those in view exist. */
export function DataTable<T>(props: Props<T>) {
  const { label, columns, rowKey, loading, empty, minWidth = 720, onOpen, onEnd, maxHeight } = props;
  const [sort, setSort] = useState<Sort | undefined>(props.sort);
  const rows = useSorted(props.rows, columns, sort);
  const scroller = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState(0);
  const current = Math.min(focused, rows.length - 1);
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are not memoised here
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollPaddingStart: ROW_PX,
    // The row that has the focus stays, however far it is scrolled away: the keyboard goes on from it.
    rangeExtractor: (range) => {
      const shown = defaultRangeExtractor(range);
      return current < 0 || shown.includes(current) ? shown : [...shown, current].sort((a, b) => a - b);
    },
  });
  const items = virtualizer.getVirtualItems();
  const last = virtualizer.range?.endIndex ?? -1;
  useEffect(() => {
    if (rows.length && last >= rows.length - AHEAD) onEnd?.();
  }, [last, rows.length, onEnd]);
  const toFocus = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (toFocus.current === null) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${toFocus.current}"]`);
    if (!row) return; // a jump renders its rows later
    toFocus.current = null;
    row.focus({ preventScroll: true });
  });

  const selectable = props.selected !== undefined;
  const tracks = [...(selectable ? ["40px"] : []), ...columns.map((column) => column.width)].join(" ");
  const grid = { gridTemplateColumns: tracks, minWidth };
  const toggle = (key: string) => {
    const next = new Set(props.selected);
    if (!next.delete(key)) next.add(key);
    props.onSelect?.(next);
  };
  const focusRow = (index: number) => {
    const wanted = Math.max(0, Math.min(index, rows.length - 1));
    toFocus.current = wanted;
    setFocused(wanted);
    virtualizer.scrollToIndex(wanted);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>, index: number, row: T) => {
    if (event.target !== event.currentTarget) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step !== undefined) focusRow(index + step);
    else if (event.key === "Enter" && onOpen) onOpen(row);
    else if (event.key === " " && selectable) toggle(rowKey(row));
    else return;
    event.preventDefault();
  };

  const showEmpty = !loading && rows.length === 0;
  return (
    <div ref={scroller} className={styles["scroller"]} style={maxHeight ? { maxHeight, flex: "none" } : undefined}>
      <div role="grid" aria-label={label} aria-rowcount={props.more ? -1 : rows.length + 1} aria-busy={loading ?? false}>
        <div role="rowgroup" className={styles["head"]}>
          <div role="row" className={styles["row"]} style={grid}>
            {selectable ? (
              <SelectAll rows={rows} rowKey={rowKey} selected={props.selected} onSelect={props.onSelect} />
            ) : null}
            {columns.map((column) => (
              <HeaderCell key={column.key} column={column} sort={sort} onSort={setSort} />
            ))}
          </div>
        </div>
        {loading ? (
          <SkeletonRows columns={columns.length + (selectable ? 1 : 0)} grid={grid} />
        ) : (
          <div role="rowgroup" className={styles["body"]} style={{ height: virtualizer.getTotalSize(), minWidth }}>
            {items.map(({ index, start }) => {
              const row = rows[index];
              if (row === undefined) return null;
              const key = rowKey(row);
              const chosen = props.selected?.has(key) ?? false;
              return (
                <div
                  key={key}
                  role="row"
                  data-index={index}
                  aria-rowindex={index + 2}
                  aria-selected={selectable ? chosen : props.activeKey === key}
                  tabIndex={index === current ? 0 : -1}
                  className={rowClass(onOpen !== undefined, chosen || props.activeKey === key)}
                  style={{ ...grid, transform: `translateY(${start}px)` }}
                  onClick={() => onOpen?.(row)}
                  onFocus={() => setFocused(index)}
                  onKeyDown={(event) => onKeyDown(event, index, row)}
                >
                  {selectable ? (
                    <div role="gridcell" className={styles["check"]} onClick={(event) => event.stopPropagation()}>
                      <Checkbox checked={chosen} aria-label="Select row" tabIndex={-1} onChange={() => toggle(key)} />
                    </div>
                  ) : null}
                  {columns.map((column) => (
                    <div key={column.key} role="gridcell" className={cellClass(column)}>
                      {column.render(row)}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        )}
      </div>
      {showEmpty ? <div className={styles["empty"]}>{empty}</div> : null}
    </div>
  );
}

function HeaderCell<T>({ column, sort, onSort }: { column: Column<T>; sort: Sort | undefined; onSort: (sort: Sort) => void }) {
  const active = sort?.key === column.key;
  const order = !column.sortBy ? undefined : active ? (sort.down ? "descending" : "ascending") : "none";
  return (
    <div role="columnheader" className={cellClass(column)} aria-sort={order}>
      {column.sortBy ? (
        <button
          type="button"
          className={styles["sort"]}
          onClick={() => onSort({ key: column.key, down: active ? !sort.down : false })}
        >
          {column.header}
          {active ? sort.down ? <ArrowDown12Regular aria-hidden /> : <ArrowUp12Regular aria-hidden /> : null}
        </button>
      ) : (
        <span>{column.header}</span>
      )}
    </div>
  );
}

interface SelectAllProps<T> {
  rows: readonly T[];
  rowKey: (row: T) => string;
  selected: ReadonlySet<string> | undefined;
  onSelect: ((keys: ReadonlySet<string>) => void) | undefined;
}

function SelectAll<T>({ rows, rowKey, selected, onSelect }: SelectAllProps<T>) {
  const count = rows.filter((row) => selected?.has(rowKey(row))).length;
  const all = rows.length > 0 && count === rows.length;
  return (
    <div role="columnheader" className={styles["check"]}>
      <Checkbox
        aria-label="Select all rows"
        checked={all ? true : count ? "mixed" : false}
        onChange={() => onSelect?.(all ? new Set() : new Set(rows.map(rowKey)))}
      />
    </div>
  );
}

function SkeletonRows({ columns, grid }: { columns: number; grid: object }) {
  return (
    <Skeleton role="rowgroup" aria-label="Loading">
      {Array.from({ length: SKELETON_ROWS }, (_, row) => (
        <div key={row} role="row" className={styles["row"]} style={grid}>
          {Array.from({ length: columns }, (__, cell) => (
            <div key={cell} role="gridcell" className={styles["cell"]}>
              <SkeletonItem size={12} className={styles["bone"] ?? ""} />
            </div>
          ))}
        </div>
      ))}
    </Skeleton>
  );
}

function useSorted<T>(rows: readonly T[], columns: readonly Column<T>[], sort: Sort | undefined): readonly T[] {
  return useMemo(() => {
    const by = columns.find((column) => column.key === sort?.key)?.sortBy;
    if (!by || !sort) return rows;
    const sign = sort.down ? -1 : 1;
    return rows
      .map((row) => ({ row, value: by(row) }))
      .sort((a, b) => sign * compare(a.value, b.value))
      .map(({ row }) => row);
  }, [rows, columns, sort]);
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function rowClass(openable: boolean, active: boolean): string {
  return [styles["row"], styles["dataRow"], openable ? styles["openable"] : "", active ? styles["active"] : ""].join(" ");
}

function cellClass<T>(column: Column<T>): string {
  return `${styles["cell"]} ${column.align === "end" ? styles["end"] : ""}`;
}
