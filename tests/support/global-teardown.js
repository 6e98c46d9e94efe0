export default async function globalTeardown() {
  await globalThis.sanadTestServer?.stop();
}
