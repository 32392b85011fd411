'use strict';

// How an attachment is served to the viewer. Its bytes and its type come from the traced application: they are not
// trusted.

/** Types that a browser shows and that cannot contain a script, unlike SVG. */
const SHOWN = new Set([
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
]);

/**
 * The type and the headers of an attachment. All but pictures are saved as a file.
 *
 * @param {{ filename: string, contentType: string }} attachment
 * @returns {{ type: string, headers: { [name: string]: string } }}
 */
function served({ filename, contentType }) {
  const [media = ''] = contentType.toLowerCase().split(';');
  const isShown = SHOWN.has(media.trim());
  const name = filename.replaceAll(/[^\w.-]/g, '_').slice(-100);
  return {
    type: isShown ? media.trim() : 'application/octet-stream',
    headers: {
      'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename="${name}"`,
      'content-security-policy': `default-src 'none'; sandbox`,
    },
  };
}

module.exports = { served };
