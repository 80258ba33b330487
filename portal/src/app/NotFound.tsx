import { Button } from "@fluentui/react-components";
import { useNavigate } from "react-router";

import { EmptyState, Page, PageHeader } from "../components";

export function Component() {
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
