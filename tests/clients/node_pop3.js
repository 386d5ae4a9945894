// PORT USER PASSWORD CAFILE DIRECTORY keep|delete, by node-pop3.
const fs = require('fs');
const Pop3Command = require('node-pop3').default || require('node-pop3');
const [port, user, password, ca, directory, mode] = process.argv.slice(2);

async function main() {
  const list = directory + '/seen';
  const seen = fs.existsSync(list) ?
    fs.readFileSync(list, 'utf8').split('\n') : [];
  const pop = new Pop3Command({
    user, password, host: 'localhost', port: Number(port), tls: true,
    servername: 'localhost', timeout: 120000,
    tlsOptions: { ca: fs.readFileSync(ca), servername: 'localhost' },
  });
  const ids = await pop.UIDL();
  for (const [n, id] of ids) {
    if (mode === 'keep' && seen.includes(id)) continue;
    fs.writeFileSync(directory + '/inbox/new/' + id, await pop.RETR(n));
    if (mode === 'delete') await pop.command('DELE', n);
  }
  fs.writeFileSync(list, ids.map(([, id]) => id).join('\n'));
  await pop.QUIT();
}

main().catch((error) => { console.error(error); process.exit(1); });
