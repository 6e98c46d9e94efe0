/** The page that the QR code of an e-stamp opens. The script fills it; what stands behind `#` stays in the browser. */
import { html, page } from './html.ts';

/** The verification page, the same for everybody. */
export function verifyPage(): string {
  return page(
    'Verify an e-stamp',
    html`<header class="top">
        <h1>Verify an e-stamp <span lang="ur" dir="rtl">ای اسٹامپ کی تصدیق</span></h1>
      </header>
      <main>
        <noscript>
          <p class="verdict bad">This page checks the seal in your browser and needs JavaScript.</p>
        </noscript>
        <section id="verdict" class="verdict" role="status" aria-live="polite" hidden>
          <p id="verdict-en" class="line"></p>
          <p id="verdict-ur" class="line" lang="ur" dir="rtl"></p>
          <ul id="reasons"></ul>
        </section>
        <section id="findings" class="cards" hidden>
          <div id="seal" class="card">
            <h2>Seal <span lang="ur" dir="rtl">مہر</span></h2>
            <p class="state"></p>
            <p class="more"></p>
          </div>
          <div id="log" class="card">
            <h2>Public log <span lang="ur" dir="rtl">عوامی رجسٹر</span></h2>
            <p class="state"></p>
            <p class="more"></p>
          </div>
          <div id="status" class="card">
            <h2>Status <span lang="ur" dir="rtl">حیثیت</span></h2>
            <p class="state"></p>
            <p class="more"></p>
          </div>
        </section>
        <section id="sealed" hidden>
          <h2>Compare with the paper <span lang="ur" dir="rtl">کاغذ سے موازنہ کریں</span></h2>
          <p>These facts were sealed. If the paper says anything else, it was altered.</p>
          <dl id="facts" class="facts large"></dl>
        </section>
        <section>
          <h2>Look up by number <span lang="ur" dir="rtl">نمبر سے تلاش</span></h2>
          <p id="hint">
            The number shows only what became of the stamp. To check the paper itself, scan its QR
            code.
          </p>
          <form id="lookup">
            <label for="number">16 digits of the e-stamp</label>
            <input
              id="number"
              name="number"
              inputmode="numeric"
              autocomplete="off"
              maxlength="24"
              aria-describedby="hint"
              required
            />
            <button type="submit">Look up</button>
          </form>
          <p id="answer" role="status" aria-live="polite"></p>
        </section>
      </main>`,
    'verify-page.js',
  );
}
