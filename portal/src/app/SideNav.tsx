import { Button, Tooltip } from "@fluentui/react-components";
import { PanelLeftContract20Regular, PanelLeftExpand20Regular } from "@fluentui/react-icons";
import { NavLink } from "react-router";

import { useMayWrite } from "../api/session";
import { NAV, type NavItem } from "./nav";
import styles from "./SideNav.module.css";

export function SideNav({ folded, onFold }: { folded: boolean; onFold: () => void }) {
  const mayWrite = useMayWrite();
  const label = folded ? "Unfold the navigation" : "Fold the navigation";
  return (
    <nav className={`${styles["nav"]} ${folded ? styles["folded"] : ""}`} aria-label="Main">
      <div className={styles["groups"]}>
        {NAV.map((group) => (
          <div key={group.title} className={styles["group"]}>
            {folded ? <div className={styles["rule"]} /> : <h2 className={styles["title"]}>{group.title}</h2>}
            <ul className={styles["list"]}>
              {group.items
                .filter((item) => mayWrite || !item.admin)
                .map((item) => (
                  <li key={item.to}>
                    <Entry item={item} folded={folded} />
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </div>
      <Tooltip content={label} relationship="label" positioning="after">
        <Button
          appearance="subtle"
          className={styles["fold"] ?? ""}
          icon={folded ? <PanelLeftExpand20Regular /> : <PanelLeftContract20Regular />}
          onClick={onFold}
        />
      </Tooltip>
    </nav>
  );
}

function Entry({ item, folded }: { item: NavItem; folded: boolean }) {
  const link = (
    <NavLink
      to={item.to}
      className={({ isActive }) => `${styles["item"]} ${isActive ? styles["active"] : ""}`}
      aria-label={folded ? item.text : undefined}
    >
      {({ isActive }) => (
        <>
          {isActive ? <item.activeIcon aria-hidden /> : <item.icon aria-hidden />}
          {folded ? null : <span>{item.text}</span>}
        </>
      )}
    </NavLink>
  );
  if (!folded) return link;
  return (
    <Tooltip content={item.text} relationship="label" positioning="after">
      {link}
    </Tooltip>
  );
}
