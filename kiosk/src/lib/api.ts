// SPDX-License-Identifier: Apache-2.0

/// Problem details (RFC 9457), as the desk gives them.
export interface Problem {
  status: number;
  code: string;
  title: string;
  title_zh: string;
  detail: string;
  problems?: { where: string; found: string; allowed: string }[];
}

/// The desk said no, and why.
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/// The desk did not say anything: it is away, or too slow. Whether it did what was asked is not known.
export class Silence extends Error {
  constructor(readonly kind: 'lost' | 'timeout') {
    super(kind);
  }
}

const kPatienceMs = 12_000; // going on air may take 4 s, a login its hash
export const kLongPatienceMs = 300_000; // all of the evidence, a table of 50,000 items, a file

export async function call<T>(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
  patienceMs = kPatienceMs,
): Promise<T> {
  const request: RequestInit = { method, signal: AbortSignal.timeout(patienceMs), cache: 'no-store' };
  if (body !== undefined) {
    request.headers = { 'Content-Type': 'application/json' };
    request.body = JSON.stringify(body);
  }
  return ask(path, request);
}

/// A file as it is. A large one on a slow network takes a while.
export async function upload<T>(path: string, file: Blob): Promise<T> {
  return ask(path, {
    method: 'PUT',
    headers: { 'Content-Type': file.type || 'application/octet-stream' },
    body: file,
    signal: AbortSignal.timeout(kLongPatienceMs),
  });
}

async function ask<T>(path: string, request: RequestInit): Promise<T> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch('/api/v1/' + path, request);
    text = await answer.text();
  } catch (error) {
    throw new Silence(error instanceof DOMException && error.name === 'TimeoutError' ? 'timeout' : 'lost');
  }
  if (answer.ok) return (text === '' ? {} : JSON.parse(text)) as T;
  throw new Refusal(problemOf(answer.status, text));
}

function problemOf(status: number, text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    // A proxy in between, which knows no problem details.
    return { status, code: 'unknown', title: 'It failed', title_zh: '出错了', detail: `HTTP ${status}` };
  }
}
