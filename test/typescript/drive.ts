// Drives the program through the generated client, from the registration to the logout. It is type-checked strictly against what was generated, so that a
// change of the document's shape fails here before anything is sent.
import {
  authLoginCreate, authLogoutCreate, authPasswordChangeCreate, authPasswordResetConfirmCreate, authPasswordResetCreate, authRegistrationCreate,
  authRegistrationVerifyEmailCreate, authTokenRefreshCreate, authTokenVerifyCreate, authUserPartialUpdate, authUserRetrieve,
} from "./client";
import type { ErrorDetail, Jwt, LoginErrors, RegisterErrors, RestAuthDetail, TokenRefresh, UserDetails } from "./client";
import { client } from "./client/client.gen";

const base = process.argv[2];
if (!base) throw new Error("usage: node drive.js http://host:port");
client.setConfig({ baseUrl: base });

interface Answered<Data, Errors> { data: Data | undefined; error: Errors | undefined; response: Response }

/** What a request answered, which must have this status. */
async function wants<Data, Errors>(status: number, asked: Promise<Answered<Data, Errors>>): Promise<Data> {
  const { data, error, response } = await asked;
  if (response.status !== status) throw new Error(`${response.url} answered ${response.status}, not ${status}: ${JSON.stringify(error ?? data)}`);
  return data as Data;
}

/** What a request that must be refused with this status was told. */
async function refused<Data, Errors>(status: number, asked: Promise<Answered<Data, Errors>>): Promise<Errors> {
  const { error, response } = await asked;
  if (response.status !== status || error === undefined) throw new Error(`${response.url} answered ${response.status}, not ${status}`);
  return error;
}

function same(got: unknown, want: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`got ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
}

/** The first match of a pattern in the mails that came, once it is there. */
async function mailed(pattern: RegExp): Promise<string[]> {
  for (let tries = 0; tries < 500; tries++) {
    const mails = (await (await fetch(`${base}/dev/mail/?format=json`)).json()) as { text: string }[];
    for (const mail of mails) {
      const found = pattern.exec(mail.text);
      if (found) return found.slice(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no mail has ${pattern}`);
}

async function main(): Promise<void> {
  const username = "ann", email = "ann@example.com", password1 = "Nw7!xyzzyQ", changed = "Pl9?frobozzK", reset = "Qm4.plughTT";

  const weak = await refused(400, authRegistrationCreate({ body: { username: "no spaces", email, password1: "123", password2: "123" } }));
  const problems: RegisterErrors = weak as RegisterErrors;
  same([problems.username?.length, (problems.password1?.length ?? 0) > 1], [1, true]);

  const registered: RestAuthDetail = await wants(201, authRegistrationCreate({ body: { username, email, password1, password2: password1 } }));
  same(registered.detail, "Verification e-mail sent.");
  const early = await refused(400, authLoginCreate({ body: { username, password: password1 } }));
  same((early as LoginErrors).non_field_errors, ["E-mail is not verified."]);

  const [key = ""] = await mailed(/account-confirm-email\/([-:\w]+)/);
  await wants(200, authRegistrationVerifyEmailCreate({ body: { key } }));

  let jwt: Jwt = await wants(200, authLoginCreate({ body: { username, password: password1 } }));
  const user: UserDetails = jwt.user;
  same([user.username, user.email, typeof user.pk], [username, email, "number"]);
  client.setConfig({ auth: (scheme) => (scheme.scheme === "bearer" ? jwt.access : undefined) });
  same(await wants(200, authUserRetrieve()), user);
  same((await wants(200, authUserPartialUpdate({ body: { first_name: "Ann" } }))).first_name, "Ann");

  await wants(200, authPasswordChangeCreate({ body: { old_password: password1, new_password1: changed, new_password2: changed } }));
  jwt = await wants(200, authLoginCreate({ body: { username, password: changed }, auth: undefined }));

  const refreshed: TokenRefresh = await wants(200, authTokenRefreshCreate({ body: { refresh: jwt.refresh } }));
  await wants(200, authTokenVerifyCreate({ body: { token: refreshed.access } }));
  const bad = await authTokenVerifyCreate({ body: { token: refreshed.access + "x" } });
  same(bad.response.status, 401);

  await wants(200, authPasswordResetCreate({ body: { email } }));
  const [uid = "", token = ""] = await mailed(/password\/reset\/confirm\/(\w+)\/([-\w]+)/);
  await wants(200, authPasswordResetConfirmCreate({ body: { uid, token, new_password1: reset, new_password2: reset } }));
  const stale: ErrorDetail = (await refused(401, authTokenRefreshCreate({ body: { refresh: refreshed.refresh ?? jwt.refresh } }))) as ErrorDetail;
  same(stale.code, "token_not_valid");

  jwt = await wants(200, authLoginCreate({ body: { username, password: reset }, auth: undefined }));
  // The document keeps the refresh token out of a logout, whose method has no arguments in the clients that there are. Here it ends by it all the same.
  const refresh = { body: { refresh: jwt.refresh } as never, headers: { "Content-Type": "application/json" } };
  same((await wants(200, authLogoutCreate(refresh))).detail, "Successfully logged out.");
  await refused(401, authTokenRefreshCreate({ body: { refresh: jwt.refresh } }));
}

main().catch((failure: unknown) => {
  console.error(failure);
  process.exitCode = 1;
});
