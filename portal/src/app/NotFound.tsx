import { Button } from "@fluentui/react-components";
import { useNavigate, useRouteError } from "react-router";

import { EmptyState, ErrorState, Page, PageHeader } from "../components";

export function NotFound() {
  const navigate = useNavigate();
  return (
    <Page>
      <PageHeader title="Not found" />
      <EmptyState title="There is no such page" action={<Button onClick={() => void navigate("/")}>Go to the start</Button>}>
        The address may be misspelt, or the page is not part of this version.
      </EmptyState>
    </Page>
  );
}

/** What is shown when a page itself fails; a reload also fetches a page that a new version replaced. */
export function RouteError() {
  const thrown = useRouteError();
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return <ErrorState error={error} onRetry={() => location.reload()} />;
}
