// A real OpenID provider (oidc-provider, certified by the OpenID Foundation) for tests of sign-in.
// Arguments: port, redirect URI, client secret. Any password signs in; the groups go by the login.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [port, redirectUri, secret] = process.argv.slice(2);
const groups = { ada: ["staff", "tidegate-admins"], rob: ["tidegate-readers"], eve: ["staff"] };
const key = (id) => {
  const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  return { ...jwk, kid: id, use: "sig", alg: "RS256" };
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "tidegate", client_secret: secret, redirect_uris: [redirectUri] }],
  jwks: { keys: [key(`key-${process.pid}`)] },
  cookies: { keys: ["of a test"] },
  pkce: { required: () => true },
  conformIdTokenClaims: false, // the claims of the scopes stand in the ID token
  claims: { openid: ["sub", "groups"], profile: ["name"], email: ["email"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id} <b>Example</b>`, email: `${id}@example.test`, groups: groups[id] }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
