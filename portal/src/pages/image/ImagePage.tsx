import { Dropdown, Option, Tab, TabList } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useParams } from "react-router";

import { ErrorState, Page, PageHeader, Section } from "../../components";
import { ApiError } from "../../api/client";
import { shortDigest } from "../../lib/format";
import { useParam } from "../../lib/params";
import { badness } from "../../lib/counts";
import { registryLink, repositoryLink } from "../registries/links";
import { useImage, type ImageDetail, type Platform, type Subject } from "./data";
import { FindingsTab } from "./FindingsTab";
import styles from "./image.module.css";
import { ImageCommands } from "./ImageCommands";
import { ImageEssentials } from "./ImageEssentials";
import { ManifestTab } from "./ManifestTab";
import { PackagesTab } from "./PackagesTab";
import { ReferrersTab } from "./ReferrersTab";
import { countReferrers } from "./referrers";
import { ReportTab } from "./ReportTab";
import { ScansTab } from "./ScansTab";
import { StatementTab } from "./StatementTab";
import { ImageSkeleton } from "./ImageSkeleton";

export function Component() {
  const { registry = "", repository = "", digest = "" } = useParams();
  const subject = { registry, repository, digest };
  const { data, error, refetch, isPending } = useImage(subject);
  return (
    <Page>
      <PageHeader
        title={data?.tags[0] ? `${repository}:${data.tags[0]}` : `${repository}@${shortDigest(digest)}`}
        crumbs={[
          { text: "Registries", to: "/registries" },
          { text: registry, to: registryLink(registry) },
          { text: repository, to: repositoryLink(registry, repository) },
          { text: shortDigest(digest) },
        ]}
      />
      {isPending ? <ImageSkeleton /> : null}
      {error && !data ? <ErrorState error={worded(error, subject)} onRetry={() => void refetch()} /> : null}
      {data ? <Loaded image={data} subject={subject} onRefresh={() => void refetch()} /> : null}
    </Page>
  );
}

function worded(error: Error, { repository, digest }: Subject): Error {
  if (!(error instanceof ApiError) || error.status !== 404) return error;
  const text = `The hub knows no image ${repository}@${shortDigest(digest)}. It may have been pruned, or never was pushed.`;
  return new ApiError(404, error.title, text, "");
}

function Loaded({ image, subject, onRefresh }: { image: ImageDetail; subject: Subject; onRefresh: () => void }) {
  const [tab, setTab] = useParam("tab", "findings");
  const [wanted, setPlatform] = useParam("platform");
  const platforms = image.platforms ?? [];
  const platform = platforms.find(({ digest }) => digest === wanted) ?? worstOf(platforms);
  const about = platform?.digest ?? "";
  const referrers = image.referrers ?? [];
  const scans = image.scans ?? [];
  const perPlatform = tab === "findings" || tab === "report" || tab === "packages" || tab === "statement";
  const tabs: Record<string, ReactNode> = {
    findings: <FindingsTab key={about} image={image} subject={subject} platform={platform} />,
    report: <ReportTab key={about} image={image} subject={subject} platform={about} />,
    packages: <PackagesTab key={about} image={image} subject={subject} platform={about} />,
    manifest: <ManifestTab image={image} />,
    referrers: <ReferrersTab image={image} referrers={referrers} />,
    statement: <StatementTab key={about} image={image} subject={subject} platform={about} />,
    scans: <ScansTab scans={scans} />,
  };
  return (
    <>
      <ImageCommands image={image} subject={subject} onRefresh={onRefresh} />
      <Section title="Essentials">
        <ImageEssentials image={image} />
      </Section>
      <div className={styles["tabs"]}>
        <TabList selectedValue={tab in tabs ? tab : "findings"} onTabSelect={(_, data) => setTab(String(data.value))} aria-label="About this image">
          <Tab value="findings">Findings</Tab>
          <Tab value="report">Report</Tab>
          <Tab value="packages">Packages</Tab>
          <Tab value="manifest">Manifest</Tab>
          <Tab value="referrers">Referrers ({countReferrers(referrers)})</Tab>
          <Tab value="statement">Statement</Tab>
          <Tab value="scans">Scans ({scans.length})</Tab>
        </TabList>
        {perPlatform && platforms.length > 1 ? (
          <Dropdown
            className={styles["platforms"] ?? ""}
            aria-label="Platform"
            value={platform?.platform ?? ""}
            selectedOptions={[about]}
            onOptionSelect={(_, data) => setPlatform(data.optionValue ?? "")}
          >
            {platforms.map((each) => (
              <Option key={each.digest} value={each.digest}>
                {each.platform}
              </Option>
            ))}
          </Dropdown>
        ) : null}
      </div>
      <div className={styles["panel"]} role="tabpanel">
        {tabs[tab] ?? tabs["findings"]}
      </div>
    </>
  );
}

function worstOf(platforms: readonly Platform[]): Platform | undefined {
  const rank = (platform: Platform) => (platform.report ? badness(platform.report.counts) : -1);
  return platforms.reduce<Platform | undefined>(
    (worst, each) => (worst && rank(worst) >= rank(each) ? worst : each),
    undefined,
  );
}
