// Streams one chat through the official OpenAI client and prints, as one JSON
// object, every chunk it saw and the usage of the last one.
//
//   BASE_URL=http://127.0.0.1:8080/v1 MODEL=name [REQUEST_ID=id] node chat.cjs

'use strict';

const OpenAI = require('openai').default;

async function main() {
  const { BASE_URL, MODEL, REQUEST_ID } = process.env;
  if (!BASE_URL || !MODEL) {
    throw new Error('set BASE_URL and MODEL');
  }
  const client = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 0, timeout: 120_000 });
  const stream = await client.chat.completions.create(
    {
      model: MODEL,
      messages: [{ role: 'user', content: 'Name three colours.' }],
      max_tokens: 24,
      temperature: 0,
      seed: 7,
      stream: true,
      stream_options: { include_usage: true },
    },
    REQUEST_ID ? { headers: { 'X-Request-Id': REQUEST_ID } } : {},
  );
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  const usage = chunks.at(-1)?.usage;
  if (!usage) {
    throw new Error(`no usage on the last of ${chunks.length} chunks`);
  }
  const text = chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');
  process.stdout.write(JSON.stringify({ client: 'openai-node', text, usage, chunks }) + '\n');
}

main().catch((err) => {
  process.stderr.write(`openai-node: ${err.stack ?? err}\n`);
  process.exit(1);
});
