import { Tab, TabList } from "@fluentui/react-components";
import { useNavigate, useParams } from "react-router";

import { useMayWrite } from "../../api/session";
import { Page, PageHeader } from "../../components";
import { AdvisoriesTab } from "./AdvisoriesTab";
import { ComponentsTab } from "./ComponentsTab";
import { KeysTab } from "./KeysTab";
import { RegistriesTab } from "./registries/RegistriesTab";
import styles from "./settings.module.css";
import { TokensTab } from "./TokensTab";
import { UsersTab } from "./UsersTab";

const TABS = [
  { value: "components", text: "Components", admin: false, Content: ComponentsTab },
  { value: "registries", text: "Registries", admin: false, Content: RegistriesTab },
  { value: "users", text: "Users", admin: true, Content: UsersTab },
  { value: "tokens", text: "API tokens", admin: true, Content: TokensTab },
  { value: "keys", text: "Evidence keys", admin: false, Content: KeysTab },
  { value: "advisories", text: "Advisories", admin: false, Content: AdvisoriesTab },
] as const;

export function Component() {
  const { tab } = useParams();
  const navigate = useNavigate();
  const mayWrite = useMayWrite();
  const shown = TABS.filter(({ admin }) => mayWrite || !admin);
  const { value, text, Content } = shown.find((each) => each.value === tab) ?? TABS[0];
  return (
    <Page>
      <PageHeader title="Settings" section={text} />
      <TabList className={styles["tabs"] ?? ""} selectedValue={value} onTabSelect={(_, data) => void navigate(`/settings/${String(data.value)}`)} aria-label="Settings">
        {shown.map((each) => (
          <Tab key={each.value} value={each.value}>
            {each.text}
          </Tab>
        ))}
      </TabList>
      <div className={styles["panel"]} role="tabpanel" aria-label={text}>
        <Content />
      </div>
    </Page>
  );
}
