#include <stdio.h>

#include <qrencode.h>

#include "web/html.h"
#include "web/qr.h"

#define QUIET 4 /* modules around it: ISO/IEC 18004, 6.3.8 */

/* A row's dark modules: as few rectangles as there are runs of them. */
static void
write_row(const unsigned char *row, int width, int y)
{
	int begin, x;

	for (x = 0; x < width; x++) {
		if ((row[x] & 1) == 0)
			continue;
		for (begin = x; x < width && (row[x] & 1) != 0; x++)
			;
		printf("M%d %dh%dv1h-%dz", begin + QUIET, y + QUIET,
		    x - begin, x - begin);
	}
}

/* White and black whatever the page's colours are: scanners want that. */
int
qr_write(const char *text, const char *title)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	int size, y;

	if (code == NULL)
		return -1;
	size = code->width + 2 * QUIET;
	MARKUP("<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\""
	       " role=\"img\" aria-labelledby=\"qr-title\"");
	printf(" viewBox=\"0 0 %d %d\">", size, size);
	MARKUP("<title id=\"qr-title\">");
	html_text(title);
	MARKUP("</title>");
	printf("<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>", size, size);
	MARKUP("<path fill=\"#000\" d=\"");
	for (y = 0; y < code->width; y++)
		write_row(code->data + y * code->width, code->width, y);
	MARKUP("\"/></svg>\n");
	QRcode_free(code);
	return 0;
}
