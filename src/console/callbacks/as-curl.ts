/** What a request of this callback looks like, to be pasted into a shell: without the token, and without the body. */
export function asCurl(url: string, callbackId: string): string {
  return [
    `curl -i -X POST ${quoted(url)}`,
    "-H 'content-type: application/json'",
    `-H "authorization: Bearer $CALLBACK_TOKEN"`,
    `-H ${quoted(`webhook-id: ${callbackId}`)}`,
    '-H "webhook-timestamp: $(date +%s)"',
    '--data @body.json',
  ].join(' \\\n  ');
}

/** A URL is a service's to choose: nothing in it may end the quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
