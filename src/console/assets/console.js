// What a page does in the browser beside htmx: copy buttons, and the figures of a bar under the pointer or focus.
document.documentElement.classList.add('js');

const COPIED_MS = 2_000;

async function copy(button) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    isCopied = false;
  }
  const said = button.querySelector('[role="status"]');
  said.textContent = isCopied ? 'Copied' : 'Not copied: the browser does not allow it';
  setTimeout(() => {
    said.textContent = '';
  }, COPIED_MS);
}

document.addEventListener('click', ({ target }) => {
  const button = target.closest('[data-copy]');
  if (button !== null) void copy(button);
});

function read({ target }) {
  const bar = target.closest?.('[data-reading]');
  if (!bar) return;
  const chart = bar.closest('.chart');
  chart.querySelector('.reading').textContent = bar.dataset.reading;
  for (const each of chart.querySelectorAll('[data-reading]'))
    each.classList.toggle('is-read', each.dataset.reading === bar.dataset.reading);
}

document.addEventListener('pointerover', read);
document.addEventListener('focusin', read);

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

document.addEventListener('keydown', (event) => {
  const bar = event.target.closest?.('[data-reading]');
  const step = STEPS[event.key];
  if (!bar || step === undefined) return;
  const next = step < 0 ? bar.previousElementSibling : bar.nextElementSibling;
  if (!next?.dataset.reading) return;
  event.preventDefault();
  bar.setAttribute('tabindex', '-1');
  next.setAttribute('tabindex', '0');
  next.focus();
});
