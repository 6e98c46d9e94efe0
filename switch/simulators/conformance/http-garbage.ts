/** Garbage over HTTP: any answer below 500 will do. */
export async function httpGarbage(url: URL, bytes: string): Promise<boolean> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bytes,
    signal: AbortSignal.timeout(10_000),
  });
  await response.arrayBuffer();
  return response.status < 500;
}
