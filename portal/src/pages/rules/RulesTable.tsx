import {
  DndContext,
  KeyboardSensor,
  PointerSensor,
  closestCenter,
  useSensor,
  useSensors,
  type Announcements,
  type DragEndEvent,
} from "@dnd-kit/core";
import { SortableContext, sortableKeyboardCoordinates, useSortable, verticalListSortingStrategy } from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { Checkbox, Skeleton, SkeletonItem, Tooltip } from "@fluentui/react-components";
import { ReOrderDotsVertical20Regular, Warning16Filled } from "@fluentui/react-icons";
import type { ReactNode } from "react";

import { ActionBadge, StatusBadge } from "../../components";
import type { RuleRecord } from "./form";
import styles from "./RulesTable.module.css";
import { cloudWords, scopeWords } from "./words";

interface Props {
  records: readonly RuleRecord[];
  /** Ids of all rules in the order shown. */
  order: readonly string[];
  loading: boolean;
  selected: ReadonlySet<string>;
  onSelect: (ids: ReadonlySet<string>) => void;
  onOpen: (id: string) => void;
  /** Undefined: the order cannot be changed now. */
  onMove: ((id: string, over: string) => void) | undefined;
  empty: ReactNode;
}

const HEADERS = ["Priority", "Rule name", "Action", "Cloud scope", "Scope name", "Status"];

/** The rules in their order; a handle on each drags it, with the mouse or the keyboard. */
export function RulesTable(props: Props) {
  const { records, order, loading, selected, onSelect, onMove, empty } = props;
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const movable = records.filter((record) => !record.isDefault).map((record) => record.id);
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    if (over && active.id !== over.id) onMove?.(String(active.id), String(over.id));
  };
  const all = records.length > 0 && records.every((record) => selected.has(record.id));
  const some = records.some((record) => selected.has(record.id));
  if (!loading && records.length === 0) return <>{empty}</>;
  return (
    <div className={styles["scroller"]}>
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={onDragEnd}
        accessibility={{ announcements: announcements(records) }}
      >
        <table className={styles["table"]} aria-label="Security rules" aria-busy={loading}>
          <thead>
            <tr>
              <th className={styles["check"]}>
                <Checkbox
                  aria-label="Select all rules"
                  checked={all ? true : some ? "mixed" : false}
                  onChange={() => onSelect(all ? new Set() : new Set(records.map((record) => record.id)))}
                />
              </th>
              <th className={styles["handle"]}>
                <span className="visually-hidden">Reorder</span>
              </th>
              {HEADERS.map((header) => (
                <th key={header} scope="col">
                  {header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {loading ? <Bones /> : null}
            <SortableContext items={movable} strategy={verticalListSortingStrategy} disabled={!onMove}>
              {records.map((record) => (
                <RuleRow
                  key={record.id}
                  record={record}
                  priority={order.indexOf(record.id) + 1}
                  draggable={onMove !== undefined && !record.isDefault}
                  chosen={selected.has(record.id)}
                  onToggle={() => {
                    const next = new Set(selected);
                    if (!next.delete(record.id)) next.add(record.id);
                    onSelect(next);
                  }}
                  onOpen={() => props.onOpen(record.id)}
                />
              ))}
            </SortableContext>
          </tbody>
        </table>
      </DndContext>
    </div>
  );
}

interface RowProps {
  record: RuleRecord;
  priority: number;
  draggable: boolean;
  chosen: boolean;
  onToggle: () => void;
  onOpen: () => void;
}

function RuleRow({ record, priority, draggable, chosen, onToggle, onOpen }: RowProps) {
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({
    id: record.id,
    disabled: !draggable,
  });
  const { rule } = record;
  const enabled = rule.enabled !== false;
  const cloud = cloudWords(record.cloudScope);
  const scope = scopeWords(rule);
  return (
    <tr
      ref={setNodeRef}
      className={[styles["row"], chosen ? styles["chosen"] : "", isDragging ? styles["dragged"] : ""].join(" ")}
      style={{ transform: CSS.Translate.toString(transform), transition: transition ?? "" }}
      onClick={onToggle}
      onDoubleClick={onOpen}
      aria-selected={chosen}
    >
      <td className={styles["check"]} onClick={(event) => event.stopPropagation()}>
        <Checkbox checked={chosen} aria-label={`Select ${rule.name}`} onChange={onToggle} />
      </td>
      <td className={styles["handle"]}>
        {draggable ? (
          <button
            ref={setActivatorNodeRef}
            type="button"
            className={styles["grip"]}
            {...attributes}
            {...listeners}
            aria-label={`Move ${rule.name}`}
            onClick={(event) => event.stopPropagation()}
          >
            <ReOrderDotsVertical20Regular />
          </button>
        ) : null}
      </td>
      <td className={styles["priority"]}>{priority}</td>
      <td>
        <span className={styles["name"]}>
          <a
            href={`/rules/${record.id}`}
            title={rule.name}
            onClick={(event) => {
              event.stopPropagation();
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              onOpen();
            }}
          >
            {rule.name}
          </a>
          {record.warnings?.length ? <Cautions warnings={record.warnings} /> : null}
        </span>
      </td>
      <td>
        <ActionBadge action={rule.action} />
      </td>
      <td title={cloud}>{cloud}</td>
      <td title={scope}>{scope}</td>
      <td>
        <StatusBadge tone={enabled ? "good" : "neutral"}>{enabled ? "Enabled" : "Disabled"}</StatusBadge>
      </td>
    </tr>
  );
}

function Cautions({ warnings }: { warnings: readonly string[] }) {
  return (
    <Tooltip content={warnings.join("\n")} relationship="description" withArrow>
      <span className={styles["caution"]} tabIndex={0} role="img" aria-label="Warnings">
        <Warning16Filled />
      </span>
    </Tooltip>
  );
}

function Bones() {
  return (
    <>
      {[0, 1, 2, 3].map((row) => (
        <tr key={row} className={styles["row"]}>
          {Array.from({ length: HEADERS.length + 2 }, (_, cell) => (
            <td key={cell}>
              {cell > 1 ? (
                <Skeleton aria-label="Loading">
                  <SkeletonItem size={12} />
                </Skeleton>
              ) : null}
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}

function announcements(records: readonly RuleRecord[]): Announcements {
  const name = (id: string | number) => records.find((record) => record.id === id)?.rule.name ?? "The rule";
  const place = (id: string | number) => records.findIndex((record) => record.id === id) + 1;
  return {
    onDragStart: ({ active }) => `Picked up ${name(active.id)}. Arrow keys move it, Space drops it, Escape cancels.`,
    onDragOver: ({ active, over }) => (over ? `${name(active.id)} is at priority ${place(over.id)}.` : undefined),
    onDragEnd: ({ active, over }) =>
      over ? `${name(active.id)} is at priority ${place(over.id)}; not saved yet.` : `${name(active.id)} stays.`,
    onDragCancel: ({ active }) => `${name(active.id)} stays where it was.`,
  };
}
