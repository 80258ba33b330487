import {
  Avatar,
  Button,
  Menu,
  MenuDivider,
  MenuGroupHeader,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Tooltip,
} from "@fluentui/react-components";
import { SignOut20Regular, WeatherMoon20Regular, WeatherSunny20Regular } from "@fluentui/react-icons";
import { Link } from "react-router";

import { useSignOut, useUser } from "../api/session";
import { useTheme, type ThemeChoice } from "./theme";
import styles from "./TopBar.module.css";

export function TopBar() {
  return (
    <header className={styles["bar"]}>
      <Link to="/" className={styles["brand"]}>
        <img src="/mark.svg" alt="" width={24} height={24} />
        Tidegate
      </Link>
      <div className={styles["end"]}>
        <ThemeButton />
        <UserMenu />
      </div>
    </header>
  );
}

function ThemeButton() {
  const { dark, choose } = useTheme();
  const label = dark ? "Use the light theme" : "Use the dark theme";
  return (
    <Tooltip content={label} relationship="label">
      <Button
        appearance="subtle"
        icon={dark ? <WeatherSunny20Regular /> : <WeatherMoon20Regular />}
        onClick={() => choose(dark ? "light" : "dark")}
      />
    </Tooltip>
  );
}

function UserMenu() {
  const user = useUser();
  const { choice, choose } = useTheme();
  const signOut = useSignOut();
  const name = user.displayName || user.name;
  return (
    <Menu
      checkedValues={{ theme: [choice] }}
      onCheckedValueChange={(_, data) => choose((data.checkedItems[0] ?? "system") as ThemeChoice)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="subtle" className={styles["user"] ?? ""}>
          <span className={styles["userText"]}>
            <span>{name}</span>
            <span className={styles["role"]}>{user.role === "admin" ? "Security Admin" : "Security Reader"}</span>
          </span>
          <Avatar name={name} size={28} color="brand" aria-hidden />
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroupHeader>Theme</MenuGroupHeader>
          <MenuItemRadio name="theme" value="light">
            Light
          </MenuItemRadio>
          <MenuItemRadio name="theme" value="dark">
            Dark
          </MenuItemRadio>
          <MenuItemRadio name="theme" value="system">
            As the system
          </MenuItemRadio>
          <MenuDivider />
          <MenuItem icon={<SignOut20Regular />} onClick={() => signOut.mutate()}>
            Sign out
          </MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
