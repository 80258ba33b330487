import { Breadcrumb, BreadcrumbButton, BreadcrumbDivider, BreadcrumbItem } from "@fluentui/react-components";
import { Fragment, useEffect, type ReactNode } from "react";
import { useNavigate } from "react-router";

import styles from "./PageHeader.module.css";

export interface Crumb {
  text: string;
  to?: string;
}

interface Props {
  title: string;
  /** Follows the title after a bar: "Security rules | Vulnerability assessment". */
  section?: string;
  description?: ReactNode;
  crumbs?: readonly Crumb[];
  actions?: ReactNode;
}

/** The frame of a page: its content fills the height and scrolls by itself. */
export function Page({ children }: { children: ReactNode }) {
  return <div className={styles["page"]}>{children}</div>;
}

export function PageHeader({ title, section, description, crumbs = [], actions }: Props) {
  useEffect(() => {
    document.title = `${section ?? title} · Tidegate`;
  }, [title, section]);
  return (
    <header className={styles["header"]}>
      {crumbs.length ? <Crumbs crumbs={crumbs} /> : null}
      <div className={styles["row"]}>
        <h1 className={styles["title"]}>
          {title}
          {section ? <span className={styles["section"]}> | {section}</span> : null}
        </h1>
        {actions}
      </div>
      {description ? <p className={styles["description"]}>{description}</p> : null}
    </header>
  );
}

function Crumbs({ crumbs }: { crumbs: readonly Crumb[] }) {
  const navigate = useNavigate();
  return (
    <Breadcrumb aria-label="Breadcrumb" size="small" className={styles["crumbs"] ?? ""}>
      {crumbs.map(({ text, to }, place) => (
        <Fragment key={text}>
          {place ? <BreadcrumbDivider /> : null}
          <BreadcrumbItem>
            {to ? (
              <BreadcrumbButton
                as="a"
                href={to}
                onClick={(event: React.MouseEvent) => {
                  if (event.metaKey || event.ctrlKey) return;
                  event.preventDefault();
                  void navigate(to);
                }}
              >
                {text}
              </BreadcrumbButton>
            ) : (
              <BreadcrumbButton current as="a">
                {text}
              </BreadcrumbButton>
            )}
          </BreadcrumbItem>
        </Fragment>
      ))}
    </Breadcrumb>
  );
}
