// Writes zip archives, honest ones and others: PKWARE's APPNOTE, stored or deflated, without zip64.
import { crc32, deflateRawSync } from 'node:zlib';

function header(signature, bytes, fields) {
  const buffer = Buffer.alloc(bytes);
  buffer.write(signature, 'latin1');
  for (const [offset, value, width = 2] of fields) {
    if (width === 4) buffer.writeUInt32LE(value, offset);
    else buffer.writeUInt16LE(value, offset);
  }
  return buffer;
}

/**
 * An archive of [{ name, data, deflate?, lie? }]; `lie` replaces what the directory says: name, localName, size, crc, flags, offset.
 */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, data, deflate = false, lie = {} } of files) {
    const content = Buffer.from(data);
    const packed = deflate ? deflateRawSync(content) : content;
    const { flags = 0x800, crc = crc32(content), size = content.length, localName = lie.name ?? name } = lie;
    const named = Buffer.from(lie.name ?? name);
    const local = Buffer.from(localName);
    const common = (at) => [
      [at, 20],
      [at + 2, flags],
      [at + 4, deflate ? 8 : 0],
      [at + 10, crc, 4],
      [at + 14, packed.length, 4],
      [at + 18, size, 4],
    ];
    parts.push(header('PK\x03\x04', 30, [...common(4), [26, local.length]]), local, packed);
    directory.push(
      header('PK\x01\x02', 46, [[4, 20], ...common(6), [28, named.length], [42, lie.offset ?? offset, 4]]),
      named,
    );
    offset += 30 + local.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = header('PK\x05\x06', 22, [
    [8, files.length],
    [10, files.length],
    [12, list.length, 4],
    [16, offset, 4],
  ]);
  return Buffer.concat([...parts, list, end]);
}
