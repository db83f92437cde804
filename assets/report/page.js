// What a report's page does beyond showing itself: tabs, keys that single out series, sorting, and a gallery. Without it all parts are shown.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  document.documentElement.classList.add('scripted');

  function setUpTabs(list) {
    const tabs = all('[role=tab]', list);
    const show = (chosen) => {
      for (const tab of tabs) {
        const selected = tab === chosen;
        tab.setAttribute('aria-selected', String(selected));
        tab.tabIndex = selected ? 0 : -1;
        document.getElementById(tab.getAttribute('aria-controls')).hidden = !selected;
      }
    };
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    list.addEventListener('keydown', ({ key, target }) => {
      const ends = { Home: 0, End: tabs.length - 1 };
      const index = key in steps ? (tabs.indexOf(target) + steps[key] + tabs.length) % tabs.length : ends[key];
      if (index === undefined) return;
      show(tabs[index]);
      tabs[index].focus();
    });
    for (const tab of tabs) tab.addEventListener('click', () => show(tab));
    show(tabs.find((tab) => tab.getAttribute('aria-selected') === 'true') ?? tabs[0]);
  }

  // A pressed key shows its series; while none is pressed, all are shown. It holds for the charts of its section.
  function setUpLegend(legend) {
    const section = legend.closest('section');
    const keys = all('button', legend);
    const update = () => {
      const chosen = keys.filter((key) => key.getAttribute('aria-pressed') === 'true').map((key) => key.dataset.series);
      for (const mark of all('svg [data-series]', section))
        mark.classList.toggle('faint', chosen.length > 0 && !chosen.includes(mark.dataset.series));
    };
    for (const key of keys) {
      key.addEventListener('click', () => {
        key.setAttribute('aria-pressed', String(key.getAttribute('aria-pressed') !== 'true'));
        update();
      });
    }
  }

  // Headers of a sortable table are buttons; each cell's value is in data-value. The first press puts the best on top.
  function setUpSorting(table) {
    const body = table.tBodies[0];
    const headers = all('thead th', table);
    const valueOf = (row, column) => {
      const { value } = row.cells[column].dataset;
      return value === undefined || value === '' ? NaN : Number(value);
    };
    const sort = (column) => {
      const header = headers[column];
      const upwards = header.getAttribute('aria-sort') ?? 'none';
      const first = header.dataset.better === 'higher' ? 'descending' : 'ascending';
      const next = upwards === 'none' ? first : upwards === 'ascending' ? 'descending' : 'ascending';
      const sign = next === 'ascending' ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [valueOf(a, column), valueOf(b, column)];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
        return sign * (x - y);
      });
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', next);
      body.append(...rows);
    };
    headers.forEach((header, column) => {
      const button = header.querySelector('button');
      if (button) button.addEventListener('click', () => sort(column));
    });
  }

  // One case at a time: a slider over the cases, buttons beside it; some have a choice of cases, or a slider that lays the maps on the image.
  function setUpGallery(gallery) {
    const cases = all('article', gallery);
    const { slider, overlay, choice, previous, next, position } = Object.fromEntries(
      all('[data-role]', gallery).map((element) => [element.dataset.role, element]),
    );
    gallery.querySelector('.controls').hidden = false;
    let shown = cases;
    const show = (index) => {
      const current = shown[index];
      for (const one of cases) one.hidden = one !== current;
      slider.value = String(index);
      const place = `${index + 1} of ${shown.length}`;
      slider.setAttribute('aria-valuetext', `${place}: ${current.dataset.title}`);
      position.textContent = place;
      previous.disabled = index === 0;
      next.disabled = index === shown.length - 1;
    };
    const choose = () => {
      const value = choice?.value ?? '';
      shown = cases.filter((one) => value === '' || one.dataset.cases.split(' ').includes(value));
      slider.max = String(shown.length - 1);
      show(0);
    };
    const move = (step) => show(Math.min(shown.length - 1, Math.max(0, Number(slider.value) + step)));
    slider.addEventListener('input', () => show(Number(slider.value)));
    previous.addEventListener('click', () => move(-1));
    next.addEventListener('click', () => move(1));
    choice?.addEventListener('change', choose);
    overlay?.addEventListener('input', () => gallery.style.setProperty('--overlay', overlay.value));
    choose();
  }

  all('[role=tablist]').forEach(setUpTabs);
  all('.legend-keys').forEach(setUpLegend);
  all('table[data-sortable]').forEach(setUpSorting);
  all('.gallery').forEach(setUpGallery);
})();
