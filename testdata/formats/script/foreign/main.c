#include <stdio.h>
int main(void) {
    for (;;) {
        if (1) return 0;
    }
}
