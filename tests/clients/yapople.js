// PORT USER PASSWORD CAFILE DIRECTORY keep|delete, by yapople, which knows no
// UIDL: whoever keeps mail on the server gets all of it.
const fs = require('fs');
const { Client } = require('yapople');
const [port, user, password, ca, directory, mode] = process.argv.slice(2);

async function main() {
  const pop = new Client({
    host: 'localhost', port: Number(port), tls: true, mailparser: false,
    username: user, password,
    options: { ca: fs.readFileSync(ca), servername: 'localhost' },
  });
  await pop.connect();
  const count = await pop.count();
  for (let n = 1; n <= count; n++) {
    fs.writeFileSync(directory + '/inbox/new/' + n, await pop.retr(n));
    if (mode === 'delete') await pop.dele(n);
  }
  await pop.quit();
}

main().catch((error) => { console.error(error); process.exit(1); });
